// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/filestat"
)

// digestOf is made for a number, quickly.
func digestOf(n, size int) cas.Digest {
	d := cas.Digest{Size: int64(size)}
	for i := range 4 {
		binary.LittleEndian.PutUint64(d.Hash[8*i:], uint64(n+1)*0x9E3779B97F4A7C15*uint64(2*i+1))
	}
	return d
}

// sampleLink is like a link of n modules with about 20 imports each, most of
// them from nearby. A fifth are archive members. Of every ten, one was compiled.
func sampleLink(n int) *Link {
	l := &Link{
		Output: "/home/user/project/build/bin/program", Folder: "/home/user/project/build",
		Started: time.Unix(1_790_000_000, 123).UTC(), Wall: 3 * time.Second,
		Compiler: "/usr/lib/llvm-22/bin/clang", Toolchain: strings.Repeat("ab", 32),
		Tool: "dtlto 1.0", Mode: "staged", Cluster: "grpc://cluster:8980", Slots: 8, ClusterSlots: 200,
		Phases: []Phase{{"thin link", 0, 900_123_456}, {"plan", 900_200_000, 950_000_000}, {"compile", 910_000_000, 2_500_000_000}, {"final link", 2_500_000_123, 3_000_000_000}},
		Usage: Usage{
			CPU: 3 * time.Minute, OwnCPU: time.Second, PeakSlots: 8, PeakClusterSlots: 192, HeldBack: 3, Undone: 2,
			Calls: 5000, Retries: 1, Sent: 1 << 30, Received: 1 << 28, Uploaded: 6000, Fetched: 1900,
		},
	}
	inputs := make([]*Input, n)
	for i := range inputs {
		inputs[i] = &Input{sampleName(i), digestOf(i, 50_000+i*37%10_000)}
		l.Files = append(l.Files, sampleFile(i, *inputs[i]))
	}
	profile := &Input{"profiles/program.profdata", digestOf(-2, 1_000_000)}
	for i := range n {
		l.Jobs = append(l.Jobs, sampleJob(i, inputs, profile))
	}
	return l
}

func sampleFile(i int, in Input) File {
	f := File{Path: in.Path, Digest: in.Digest, Note: "x86_64-unknown-linux-gnu", Stat: filestat.Stat{
		Size: in.Digest.Size, ModTime: 1_780_000_000_000_000_000 + int64(i)*71_234_567,
		ChangeTime: 1_780_000_000_000_400_000 + int64(i)*71_234_567, Device: 2049, Inode: uint64(5_000_000 + i*3),
	}}
	return f
}

func sampleName(i int) string {
	if i%5 == 4 {
		return fmt.Sprintf("third_party/library%d/liblibrary%d.a(source_file_%d.o at %d)", i/500, i/500, i, 86+i*977)
	}
	return fmt.Sprintf("obj/component_%d/sub_component_%d/component_%d.source_file_%d.o", i/400, i/40, i/40, i)
}

func sampleJob(i int, inputs []*Input, profile *Input) Job {
	j := Job{Module: inputs[i].Path, Outcome: Cached, Source: sampleSource(i), Duration: time.Duration(100+i*7919%900) * time.Millisecond}
	j.Action = sampleAction(i, inputs, profile)
	j.Bitcode, j.Object = inputs[i].Digest.Size, int64(70_000+i*131%90_000)
	if i%10 == 3 {
		j.Outcome, j.Reason = Compiled, "absent"
		j.Run = sampleRun(i, j.Duration)
		j.IndexChanges = []string{fmt.Sprintf("f%d of a.o: linkage changed from external to internal", i), "g of b.o: no longer in the index"}
		before := *j.Action
		before.Key, before.Index = cas.ActionKey(digestOf(i+1<<22, 142)), digestOf(i+1<<23, 9000)
		if i%20 == 3 {
			before.Index = j.Action.Index
			before.Args = sampleArgs("-O3", before.Own)
		}
		if i%30 == 3 {
			before.Modules = before.Modules[:len(before.Modules)-1]
			before.Own = 0
		}
		j.Before = &before
	}
	return j
}

func sampleRun(i int, took time.Duration) *Run {
	start := time.Duration(i*7919%60_000) * 1_001_003
	r := &Run{Slot: i / 10 % 8, Start: start, End: start + took + 123_456, CPU: took - took/97, Memory: int64(100_000+i*7919%300_000) << 10}
	if i%20 == 13 {
		r.Cluster, r.Slot, r.Worker, r.CPU, r.Memory = true, i%200, fmt.Sprintf("worker-%d", i%40), 0, 0
		r.Queued, r.Fetching, r.Executing, r.Uploading = took/9, took/50, took*7/9, took/70
	}
	return r
}

func sampleSource(i int) string {
	if i%10 != 3 {
		return ""
	}
	return fmt.Sprintf("component_%d/source_file_%d.cc", i/40, i)
}

func sampleAction(i int, inputs []*Input, profile *Input) *Action {
	a := &Action{
		Key: cas.ActionKey(digestOf(i+1<<20, 142)), Toolchain: strings.Repeat("ab", 32),
		Env: []string{"LC_ALL=C"}, Index: digestOf(i+1<<21, 4000+i%5000), Extra: []*Input{profile},
	}
	first := max(0, i-10)
	for k := first; k < min(len(inputs), first+18); k++ {
		a.Modules = append(a.Modules, inputs[k])
	}
	a.Own = i - first
	for k := range 3 { // from far away
		a.Modules = append(a.Modules, inputs[(i*7919+k*104729)%len(inputs)])
	}
	a.Args = sampleArgs("-O2", a.Own)
	return a
}

func sampleArgs(level string, own int) []string {
	return append(strings.Fields("clang -c --target=x86_64-unknown-linux-gnu "+level+" -faddrsig -ffunction-sections -fdata-sections -fpic "+
		"-mllvm -no-pgo-warn-mismatch -fprofile-use=input0.profdata -Wno-unused-command-line-argument --no-default-config "+
		"-Wno-override-module -Wno-linker-warnings -x ir"), fmt.Sprintf("%02d.bc", own), "-fthinlto-index=index.thinlto.bc", "-o", "output0.o")
}
