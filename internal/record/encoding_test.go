// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/filestat"
)

func encoded(t testing.TB, l *Link) []byte {
	t.Helper()
	b, err := encode(l)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// extremeLink has what a real link has not.
func extremeLink() *Link {
	big := cas.Digest{Size: math.MaxInt64}
	odd := &Input{"", big}
	twin := &Input{"odd\x00name\xff\n", big}
	return &Link{
		Output: "/", Wall: math.MinInt64, Started: time.Unix(math.MinInt64/2, 999_999_999).UTC(), Compiler: "c", Toolchain: "c",
		Slots: math.MaxInt32, Phases: []Phase{{"p", math.MaxInt64, math.MinInt64}, {"", math.MinInt64, math.MaxInt64}, {"p", 1, -1}},
		Usage: Usage{CPU: -1, OwnCPU: math.MinInt64, HeldBack: math.MaxInt32, Sent: math.MaxInt64},
		Files: []File{
			{"z", filestat.Stat{Size: math.MinInt64, ModTime: math.MaxInt64, ChangeTime: math.MinInt64, Device: math.MaxUint64, Mount: 1 << 63}, big, ""},
			{"a", filestat.Stat{Size: math.MaxInt64, ModTime: math.MinInt64, ChangeTime: math.MaxInt64, Inode: math.MaxUint64, Mount: math.MaxUint64}, cas.Digest{}, "z"},
			{"a", filestat.Stat{}, cas.Digest{}, ""},
		},
		Jobs: []Job{
			{},
			{Module: "m", Outcome: Uncached, Reason: "r", IndexReason: "i", Duration: -1},
			{Module: "m", Outcome: Failed, Before: &Action{Modules: []*Input{odd, twin, odd}, Own: 2, Extra: []*Input{twin}}},
			{Module: "a", Outcome: NotRun, Action: &Action{Args: []string{"", "", "x"}, Env: []string{""}, Key: cas.ActionKey(big)},
				Before: &Action{Args: []string{"", "x", ""}, Modules: []*Input{twin}}},
			{Module: "b", Action: &Action{Modules: []*Input{twin, odd}, Own: 1}, Before: &Action{Modules: []*Input{twin, odd}}},
			{Bitcode: math.MaxInt64, Object: math.MaxInt64, Run: &Run{}},
			{Before: &Action{Modules: []*Input{twin}}, Run: &Run{Slot: math.MaxInt32, Start: math.MaxInt64, End: math.MinInt64, CPU: -1, Memory: math.MaxInt64}},
			{Duration: math.MaxInt64, Run: &Run{Cluster: true, Start: math.MinInt64, End: math.MaxInt64, Uploading: math.MinInt64}},
			{Duration: math.MinInt64, Run: &Run{Worker: "w", Queued: 1, Fetching: -1}},
		},
	}
}

func TestEncoding(t *testing.T) {
	for name, l := range map[string]*Link{"empty": {}, "small": sampleLink(3), "sample": sampleLink(200), "extreme": extremeLink()} {
		t.Run(name, func(t *testing.T) {
			b := encoded(t, l)
			got, err := decode(b)
			if err != nil {
				t.Fatal(err)
			}
			clear(b)
			if !reflect.DeepEqual(got, l) {
				t.Error(cmp.Diff(l, got))
			}
		})
	}
}

// A zero time is still one.
func TestEncodingNoTime(t *testing.T) {
	got, err := decode(encoded(t, &Link{}))
	if err != nil || !got.Started.IsZero() {
		t.Errorf("%v, %v", got, err)
	}
}

// The same link gives the same bytes, however its inputs and lists are shared.
func TestEncodingDeterministic(t *testing.T) {
	b := encoded(t, sampleLink(100))
	own := sampleLink(100)
	for i := range own.Jobs {
		for _, a := range []*Action{own.Jobs[i].Action, own.Jobs[i].Before} {
			if a != nil {
				a.Args, a.Env = slices.Clone(a.Args), slices.Clone(a.Env)
				a.Modules, a.Extra = unshared(a.Modules), unshared(a.Extra)
			}
		}
	}
	if !bytes.Equal(b, encoded(t, own)) {
		t.Error("differs with inputs that are not shared")
	}
	again, err := decode(b)
	if err != nil || !bytes.Equal(b, encoded(t, again)) {
		t.Errorf("differs after it was read: %v", err)
	}
}

func unshared(inputs []*Input) []*Input {
	var own []*Input
	for _, in := range inputs {
		c := *in
		own = append(own, &c)
	}
	return own
}

// Memory follows from this: what is the same is there once.
func TestDecodeShares(t *testing.T) {
	l, err := decode(encoded(t, sampleLink(100)))
	if err != nil {
		t.Fatal(err)
	}
	inputs, lists := map[*Input]bool{}, map[*string]bool{}
	for _, j := range l.Jobs {
		for _, in := range j.Action.Modules {
			inputs[in] = true
		}
		lists[&j.Action.Args[0]] = true
	}
	if len(inputs) != 100 || len(lists) > 20 {
		t.Errorf("%d inputs and %d lists of arguments for 100 modules", len(inputs), len(lists))
	}
}

func TestEncodeRefuses(t *testing.T) {
	in := []*Input{{"a", digest("a")}}
	negative := cas.Digest{Size: -1}
	for name, l := range map[string]*Link{
		"own module":      {Jobs: []Job{{Action: &Action{Modules: in, Own: 1}}}},
		"own module -1":   {Jobs: []Job{{Action: &Action{Modules: in, Own: -1}}}},
		"own of none":     {Jobs: []Job{{Action: &Action{Own: 1}}}},
		"outcome":         {Jobs: []Job{{Outcome: Outcomes}}},
		"nil module":      {Jobs: []Job{{Action: &Action{Modules: []*Input{nil}}}}},
		"nil file":        {Jobs: []Job{{Before: &Action{Extra: []*Input{nil}}}}},
		"size of a file":  {Files: []File{{Digest: negative}}},
		"size of a key":   {Jobs: []Job{{Action: &Action{Key: cas.ActionKey(negative)}}}},
		"size of index":   {Jobs: []Job{{Action: &Action{Index: negative}}}},
		"size of a input": {Jobs: []Job{{Action: &Action{Modules: []*Input{{"a", negative}}}}}},
		"no size":         {Jobs: []Job{{Object: -1}}},
		"no bitcode":      {Jobs: []Job{{Action: &Action{Modules: in}, Bitcode: -1}}},
		"no slot":         {Jobs: []Job{{Run: &Run{Slot: -1}}}},
		"no memory":       {Jobs: []Job{{Run: &Run{Memory: -1}}}},
		"no slots":        {Slots: -1},
		"no calls":        {Usage: Usage{Calls: -1}},
		"too much":        {Folder: strings.Repeat("x", maxSize)},
	} {
		if b, err := encode(l); err == nil {
			t.Errorf("%s: written in %d bytes", name, len(b))
		}
	}
}

func TestDecodeDamaged(t *testing.T) {
	whole := encoded(t, sampleLink(4))
	refused := func(what string, at int, b []byte) {
		if _, err := decode(b); err == nil {
			t.Errorf("%s %d: read", what, at)
		}
	}
	for at := range whole {
		refused("cut at", at, whole[:at])
		refused("zeros from", at, append(bytes.Clone(whole[:at]), make([]byte, len(whole)-at)...))
		for bit := range 8 {
			b := bytes.Clone(whole)
			b[at] ^= 1 << bit
			refused("flipped in byte", at, b)
		}
	}
	refused("longer by", 1, append(bytes.Clone(whole), 0))
}

// sealed gives a body, which follows the magic word and the version, a right
// checksum: only the decoder stands between it and its reader.
func sealed(body []byte) []byte {
	b := append([]byte(magic+version), body...)
	sum := checksum(b)
	return append(b, sum[:]...)
}

func bodyOf(b []byte) []byte { return b[len(magic+version) : len(b)-checksumSize] }

func TestDecodeMalformed(t *testing.T) {
	body := bodyOf(encoded(t, sampleLink(4)))
	for at := range body {
		if _, err := decode(sealed(body[:at])); !errors.Is(err, errMalformed) {
			t.Errorf("sealed at %d: %v", at, err)
		}
		// Whatever comes of a wrong byte, it is no panic.
		for _, wrong := range []byte{0, 1, 0x7f, 0x80, 0xff, body[at] + 1, body[at] ^ 0x80} {
			b := bytes.Clone(body)
			b[at] = wrong
			readOrNot(t, sealed(b))
		}
	}
	if _, err := decode(sealed(append(bytes.Clone(body), 0))); !errors.Is(err, errMalformed) {
		t.Errorf("with one byte more: %v", err)
	}
}

// readOrNot checks that b is refused, or read as a link that is stable.
func readOrNot(t *testing.T, b []byte) {
	t.Helper()
	l, err := decode(b)
	if err != nil {
		return
	}
	first, err := encode(l)
	if errors.Is(err, errAmount) {
		return // b had room to spare, which is how much may be said
	}
	if err != nil {
		t.Fatalf("read %+v and did not write it: %v", l, err)
	}
	again, err := decode(first)
	if err != nil || !reflect.DeepEqual(l, again) {
		t.Fatalf("became another link, or %v\n%s", err, cmp.Diff(l, again))
	}
	if !bytes.Equal(first, encoded(t, again)) {
		t.Error("written differently each time")
	}
}

func TestDecodeOtherVersion(t *testing.T) {
	b := []byte(magic + "99\n" + "whatever that has")
	if _, err := decode(b); !errors.Is(err, errVersion) {
		t.Errorf("%v", err)
	}
	if _, err := decode([]byte("something else")); err == nil || errors.Is(err, errVersion) {
		t.Errorf("%v", err)
	}
}

// minLink is what is least from the folder to the number of phases.
const minLink = 24

// numbers writes varints.
func numbers(n ...uint64) (b []byte) {
	for _, v := range n {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

// What is in a record of n bytes, and costs the most memory.
func TestDecodeMemory(t *testing.T) {
	const n = 1 << 20
	repeated := func(count int, element ...byte) []byte {
		return append(numbers(uint64(count)), bytes.Repeat(element, count)...)
	}
	none := []byte{0}
	link := make([]byte, minLink)
	noPhases := link[:minLink-1]
	input := append([]byte{0}, make([]byte, minDigest)...)
	for name, body := range map[string][]byte{
		"strings":         slices.Concat(none, numbers(n/2), bytes.Repeat([]byte{1}, n/2), bytes.Repeat([]byte{'x'}, n/2)),
		"lists":           slices.Concat(none, none, repeated(n/2, 1, 0)),
		"a list":          slices.Concat(none, none, []byte{1}, repeated(n, 0)),
		"inputs":          slices.Concat(none, none, none, repeated(n/len(input), input...)),
		"lists of inputs": slices.Concat(none, none, none, []byte{1}, input, repeated(n/2, 1, 0)),
		"files":           slices.Concat(none, none, none, []byte{1}, input, none, link, repeated(n/minFile, make([]byte, minFile)...)),
		"phases":          slices.Concat(none, none, none, none, none, noPhases, repeated(n/minPhase, make([]byte, minPhase)...), none, make([]byte, 4)),
		"jobs":            slices.Concat(none, none, none, none, none, link, none, numbers(n/minJob, 0, 0, 0), make([]byte, n)),
		"modules":         slices.Concat(none, none, none, none, none, link, none, numbers(1, 0, n-minJob, 0), make([]byte, n)),
		"actions":         slices.Concat(none, none, none, none, none, link, none, numbers(1, n/minAction-1, 0, 0), make([]byte, n)),
		"runs":            slices.Concat(none, none, none, none, none, link, none, numbers(1, 0, 0, n/minRun-2), make([]byte, n)),
		"jobs with runs":  slices.Concat(none, none, none, none, none, link, none, numbers(n/(minJob+minRun), 0, 0, n/(minJob+minRun)), make([]byte, n)),
		"everything":      slices.Concat(none, none, none, none, none, link, none, numbers(n/minJob, n/minAction, n, n/minRun), make([]byte, n)),
		"huge number":     slices.Concat(none, numbers(math.MaxInt64), make([]byte, n)),
		"huge lengths":    slices.Concat(none, numbers(2, math.MaxInt64, math.MaxInt64), make([]byte, n)),
		"strings claimed": slices.Concat(none, repeated(n, 1)),
		"lists claimed":   slices.Concat(none, none, repeated(n, 1)),
		"inputs claimed":  slices.Concat(none, none, none, repeated(n, 0)),
		"files claimed":   slices.Concat(none, none, none, none, none, link, repeated(n, 0)),
		"jobs claimed":    slices.Concat(none, none, none, none, none, link, none, numbers(n, 0, 0, 0), make([]byte, n)),
		"actions claimed": slices.Concat(none, none, none, none, none, link, none, numbers(1, n, 0, 0), make([]byte, n)),
		"runs claimed":    slices.Concat(none, none, none, none, none, link, none, numbers(1, 0, 0, n), make([]byte, n)),
		"phases claimed":  slices.Concat(none, none, none, none, none, noPhases, repeated(n, 0)),
		"huge path":       slices.Concat(numbers(math.MaxInt64), make([]byte, n)),
		"huge shift":      slices.Concat(none, bytes.Repeat([]byte{0xff}, 100)),
	} {
		b := sealed(body)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := decode(b)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 22*uint64(len(b)) {
			t.Errorf("%s: %.1f bytes of memory for each byte: %v", name, float64(used)/float64(len(b)), err)
		} else {
			t.Logf("%s: %.1f bytes of memory for each byte: %v", name, float64(used)/float64(len(b)), err)
		}
	}
}

// What encode never writes is not read either, so that there is one way to write
// a link and no room for mistakes of a later version.
func TestDecodeStrict(t *testing.T) {
	tables := func(strings, lists, inputs string) []byte { return []byte("\x01/" + strings + lists + inputs + "\x00") }
	const strings, lists, inputs, files = "\x02\x01\x01ab", "\x01\x01\x01", "\x00", "\x00"
	link := string(make([]byte, minLink))
	job, sizes := "\x00\x02\x00\x00\x00\x00\x00", "\x00\x00"
	action := "\x00\x01\x01\x00\x00" + string(make([]byte, 2*minDigest)) + "\x00\x00"
	same := "\x03\x01\x01\x00\x00" + string(make([]byte, minDigest)) + "\x00"
	run, told := "\x01\x07\x00\x00\x00\x00", "\x03\x07\x00\x00\x00\x00\x00\x00\x00\x02\x00"
	withLink := func(link string) []byte {
		return append(tables(strings, lists, inputs), (link + files + "\x00\x00\x00\x00")...)
	}
	withJobs := func(jobs string) []byte { return append(tables(strings, lists, inputs), (link + files + jobs)...) }
	for name, body := range map[string][]byte{
		"":                             withJobs("\x01\x00\x00\x00" + job + sizes),
		"with an action":               withJobs("\x01\x01\x00\x00\x10" + job[1:] + action + sizes),
		"with two actions":             withJobs("\x01\x02\x00\x00\x30" + job[1:] + action + same + sizes),
		"with a run":                   withJobs("\x01\x00\x00\x01\x40" + job[1:] + sizes + run),
		"with a run that is told":      withJobs("\x01\x00\x00\x01\x40" + job[1:] + sizes + told),
		"with a phase":                 withLink(link[1:] + "\x01\x01\x01\x01"),
		"!empty string":                append(tables("\x02\x01\x00a", lists, inputs), (link + files + "\x00\x00\x00\x00")...),
		"!empty list":                  append(tables(strings, "\x01\x00", inputs), (link + files + "\x00\x00\x00\x00")...),
		"!nanoseconds":                 withLink("\x00\x00\x80\x94\xeb\xdc\x03" + link[3:]),
		"!2 billion slots":             withLink(link[:9] + "\x80\x80\x80\x80\x08" + link[10:]),
		"!string out of range":         withJobs("\x01\x00\x00\x00\x00\x06\x00\x00\x00\x00\x00" + sizes),
		"!string before the first":     withJobs("\x01\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00" + sizes),
		"!outcome":                     withJobs("\x01\x00\x00\x00\x07" + job[1:] + sizes),
		"!unknown bit of a job":        withJobs("\x01\x00\x00\x00\x80" + job[1:] + sizes),
		"!unknown bit of an action":    withJobs("\x01\x02\x00\x00\x30" + job[1:] + action + "\x07" + same[1:] + sizes),
		"!unknown bit of a run":        withJobs("\x01\x00\x00\x01\x40" + job[1:] + sizes + "\x05" + run[1:]),
		"!the same as no action":       withJobs("\x01\x01\x00\x00\x20" + job[1:] + same + sizes),
		"!more actions than said":      withJobs("\x01\x00\x00\x00\x10" + job[1:] + action + sizes),
		"!fewer actions than said":     withJobs("\x01\x01\x00\x00" + job + action + sizes),
		"!more runs than said":         withJobs("\x01\x00\x00\x00\x40" + job[1:] + sizes + run),
		"!fewer runs than said":        withJobs("\x02\x00\x00\x01" + job + sizes + string(make([]byte, minJob))),
		"!nothing is told":             withJobs("\x01\x00\x00\x01\x40" + job[1:] + sizes + told[:9] + "\x00\x00"),
		"!negative size":               withJobs("\x01\x00\x00\x00" + job + "\x01\x00"),
		"!actions said and not there":  withJobs("\x14\x01\x00\x00" + string(make([]byte, 20*minJob))),
		"with twenty jobs":             withJobs("\x14\x00\x00\x00" + string(make([]byte, 20*minJob))),
		"!modules said and not there":  withJobs("\x01\x01\x01\x00\x10" + job[1:] + action + sizes),
		"!own module of none":          withJobs("\x01\x01\x00\x00\x10" + job[1:] + action[:len(action)-2] + "\x01\x00" + sizes),
		"!number of more than 63 bits": append(tables(strings, lists, "\x01\x00"+string(make([]byte, 32))+"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), (link + files + "\x00\x00\x00\x00")...),
		"with an input":                append(tables(strings, lists, "\x01\x00"+string(make([]byte, 32))+"\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), (link + files + "\x00\x00\x00\x00")...),
		"!number of more than 64 bits": append([]byte("\x01/\x00\x00\x00\x00\x00\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"), (link[2:] + files + "\x00\x00\x00\x00")...),
	} {
		l, err := decode(sealed(body))
		if want := len(name) > 0 && name[0] == '!'; (err != nil) != want {
			t.Errorf("%q: %v, %v", name, l, err)
		}
	}
}

// A table must not rely on hashes, nor on a list that it was given once.
func TestListTable(t *testing.T) {
	table := listTable[uint64]{numbers: map[uint64][]uint64{}}
	buffer := []uint64{0, 0}
	for want, list := range [][]uint64{{}, {1}, {2}, {1, 2}, {2, 1}, {1}, {2, 1}} {
		n := copy(buffer, list)
		got := table.number(buffer[:n], func(uint64) uint64 { return 0 }, itself)
		if want > 4 {
			want = []int{1, 4}[want-5]
		}
		if got != uint64(want) {
			t.Errorf("%v: %d, want %d", list, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, l := range []*Link{{}, sampleLink(1), sampleLink(4), sampleLink(30), extremeLink()} {
		b := encoded(f, l)
		f.Add(b, false)
		f.Add(bodyOf(b), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, seal bool) {
		if seal {
			b = sealed(b)
		}
		readOrNot(t, b)
	})
}
