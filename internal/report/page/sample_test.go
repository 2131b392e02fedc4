// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package page

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// sample makes links such as people have.
type sample struct {
	modules, imports    int     // imports are of each module, about
	slots, clusterSlots int     // none on a cluster if there are none
	changed             float64 // part of the modules that are compiled
	failed              bool
	staged              bool
	*rand.Rand
	link Link
}

var (
	sampleFolders = strings.Fields("lib/Analysis lib/CodeGen lib/CodeGen/SelectionDAG lib/IR lib/MC lib/Object lib/Support lib/Target/X86 lib/Transforms/IPO lib/Transforms/InstCombine lib/Transforms/Scalar lib/Transforms/Utils lib/Transforms/Vectorize")
	sampleWords   = strings.Fields("Alias Block Branch Call Constant Dead Frame Global Inline Instruction Loop Memory Module Pass Profile Register Scalar Schedule Stack Summary Type Value Vector")
	sampleEnds    = strings.Fields("Analysis Builder Cache Combine Elimination Emitter Info Lowering Printer Reader Simplify Tracker Verifier Writer")
)

// sampleData is a link of so many modules, and the one before it.
func sampleData(s sample) *Data {
	s.Rand = rand.New(rand.NewPCG(7, uint64(s.modules)))
	s.link = Link{
		Output: "/home/me/work/compiler/build/bin/clang-22", Folder: "/home/me/work/compiler/build",
		Compiler: "/usr/lib/llvm-22/bin/clang", Toolchain: strings.Repeat("4f1d", 16), Tool: "dtlto 0.7.0", Mode: "native",
		Started: time.Date(2026, 11, 20, 16, 4, 9, 0, time.UTC), Slots: s.slots, ClusterSlots: s.clusterSlots, OwnCPU: time.Duration(s.modules) * 90 * time.Microsecond,
	}
	if s.clusterSlots > 0 {
		s.link.Cluster = "grpcs://build.example.org:8980"
	}
	for i := range s.modules {
		s.link.Modules = append(s.link.Modules, s.module(i))
	}
	before := s.before()
	s.decide()
	s.run()
	return &Data{Link: s.link, Before: before}
}

func (s *sample) module(i int) Module {
	folder := sampleFolders[i*len(sampleFolders)/max(1, s.modules)]
	file := sampleWords[s.IntN(len(sampleWords))] + sampleWords[s.IntN(len(sampleWords))] + sampleEnds[s.IntN(len(sampleEnds))]
	if s.modules > 500 {
		file += fmt.Sprint(i % 97)
	}
	m := Module{Name: folder + "/" + file + ".cpp.o", Outcome: "cached"}
	if i%5 == 0 {
		m.Name = fmt.Sprintf("%s/lib%s.a(%s.cpp.o)", folder, strings.ReplaceAll(folder[4:], "/", ""), file)
	}
	// Durations of compiles are about log-normal: many short, a few very long.
	m.Duration = time.Duration(math.Exp(s.NormFloat64()*1.1-1.1) * float64(time.Second))
	m.Bitcode = int64(m.Duration/4000) + int64(s.IntN(40000))
	m.Object = m.Bitcode*2/3 + int64(s.IntN(20000))
	for range min(s.IntN(2*s.imports+1), s.modules-1) {
		m.Imports = append(m.Imports, (i+int(s.NormFloat64()*40)+s.modules*100)%s.modules)
	}
	return m
}

// before is the link before: a little other, and compiled here.
func (s *sample) before() *Link {
	b := s.link
	b.Started = b.Started.Add(-47 * time.Minute)
	b.Modules = nil
	for i := range s.link.Modules {
		m := s.link.Modules[i]
		m.Duration = time.Duration(float64(m.Duration) * (0.85 + 0.3*s.Float64()))
		if s.IntN(12) == 0 {
			m.Outcome = "compiled"
			b.CPU += m.Duration
		}
		if s.modules < 20 || s.IntN(150) != 0 {
			b.Modules = append(b.Modules, m)
		}
	}
	if s.modules > 20 {
		b.Modules = append(b.Modules, Module{Name: "lib/Support/Legacy.cpp.o", Outcome: "cached", Duration: 400 * time.Millisecond})
	}
	b.Wall = b.CPU/time.Duration(max(1, s.slots)) + 2100*time.Millisecond
	b.Phases = nil
	return &b
}

// decide says which modules are compiled, and why.
func (s *sample) decide() {
	for i := range s.link.Modules {
		m := &s.link.Modules[i]
		if s.Float64() >= s.changed {
			continue
		}
		m.Outcome = "compiled"
		switch k := s.IntN(20); {
		case k < 4:
			m.Why = []string{"its own bitcode has changed", "its summary index has changed as well"}
			m.Changes = []string{"run(Function&) of its own: instructions changed from 41 to 44", "refersTo of its own: no longer in the index"}
		case k < 15 && len(m.Imports) > 0:
			for _, from := range m.Imports[:min(len(m.Imports), 1+s.IntN(3))] {
				m.Why = append(m.Why, s.link.Modules[from/7*7].Name+", from which it imports, has changed")
				m.Imports = append(m.Imports, from/7*7)
			}
		case k < 17:
			m.Why = []string{"only its summary index has changed: what other modules need of it, or what the link found out about what it uses"}
		case k < 18:
			m.Why = []string{"nothing has changed, and its result was not to be had: absent"}
		default:
			m.Why = []string{"no earlier compile of it is on record"}
		}
		if s.IntN(40) == 0 {
			m.Outcome = "not-kept"
			m.Why = append(m.Why, "its result could not be kept: an input changed while it was compiled")
		}
	}
}

// run puts the compiles into slots, the longest first, and adds everything up.
func (s *sample) run() {
	l := &s.link
	start := 40 * time.Millisecond
	if s.staged {
		l.Mode = "staged"
		l.Phases = append(l.Phases, Phase{"thin link", 0, time.Duration(s.modules)*300*time.Microsecond + 20*time.Millisecond})
		start += l.Phases[0].End
	}
	planned := start + time.Duration(s.modules)*20*time.Microsecond
	l.Phases = append(l.Phases, Phase{"plan", start, planned})
	end := s.schedule(planned)
	l.Phases = append(l.Phases, Phase{"compile", planned, end})
	l.Wall = end + 8*time.Millisecond
	if s.staged {
		l.Phases = append(l.Phases, Phase{"final link", end, end + time.Duration(s.modules)*400*time.Microsecond})
		l.Wall = l.Phases[len(l.Phases)-1].End + time.Millisecond
	}
}

func (s *sample) schedule(planned time.Duration) time.Duration {
	l := &s.link
	free := make([]time.Duration, s.slots+s.clusterSlots)
	for i := range free {
		free[i] = planned + time.Duration(s.IntN(3000))*time.Microsecond
	}
	end := planned
	for i := range l.Modules {
		m := &l.Modules[i]
		if m.Outcome == "cached" {
			continue
		}
		slot := 0
		for k := range free {
			if free[k] < free[slot] {
				slot = k
			}
		}
		m.Run = s.attempt(m, slot, free[slot])
		free[slot] = m.Run.End + time.Duration(s.IntN(1500))*time.Microsecond
		end = max(end, m.Run.End)
		if s.failed && i > 2*s.modules/3 {
			s.fail(i)
			break
		}
	}
	l.PeakSlots, l.PeakClusterSlots = s.slots, s.clusterSlots
	return end
}

func (s *sample) attempt(m *Module, slot int, start time.Duration) *Run {
	l := &s.link
	r := &Run{Slot: slot, Start: start, End: start + m.Duration, CPU: m.Duration * 97 / 100, Memory: 80e6 + int64(m.Duration)/5}
	if slot < s.slots {
		l.CPU += r.CPU
		return r
	}
	r.Cluster, r.Slot, r.Worker = true, slot-s.slots, fmt.Sprintf("worker-%02d.eu-west", s.IntN(max(1, s.clusterSlots/4)))
	r.Queued, r.Fetching = time.Duration(s.IntN(120))*time.Millisecond, time.Duration(s.IntN(90))*time.Millisecond
	r.Executing, r.Uploading = m.Duration, time.Duration(s.IntN(20))*time.Millisecond
	r.End += r.Queued + r.Fetching + r.Uploading + time.Duration(5+s.IntN(20))*time.Millisecond
	if m.Outcome = "remote-compiled"; s.IntN(6) == 0 {
		m.Outcome = "remote-cached"
		r.Queued, r.Fetching, r.Executing, r.Uploading = 0, 0, 0, 0
		r.End = start + time.Duration(20+s.IntN(40))*time.Millisecond
	}
	l.Traffic.Calls += 3
	l.Traffic.Sent += m.Bitcode
	l.Traffic.Received += m.Object
	l.Traffic.Uploaded += 2
	l.Traffic.Fetched++
	return r
}

// fail makes a module the one on which the link failed.
func (s *sample) fail(at int) {
	s.link.Modules[at].Outcome = "failed"
	for i := at + 1; i < s.modules; i++ {
		if m := &s.link.Modules[i]; m.Outcome != "cached" {
			m.Outcome, m.Why, m.Run = "not-run", nil, nil
		}
	}
}
