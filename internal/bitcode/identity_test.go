// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

const linux = "x86_64-pc-linux-gnu"

// identifyCases are ways to compile and what must come of them; what a module's
// hash is the test takes from llvm-bcanalyzer.
var identifyCases = []struct {
	name, file, source string
	args               []string
	since              string // the first LLVM that has it
	want               []Module
}{
	{"thin", "a.c", sampleC, []string{"-flto=thin"}, "14", []Module{{LTO: Thin}}},
	{"full", "a.c", sampleC, []string{"-flto=full"}, "14", []Module{{LTO: Regular, Flags: EnableSplitLTOUnit}}},
	{"no summary", "a.c", sampleC, []string{"-emit-llvm"}, "14", []Module{{LTO: NoSummary}}},
	{"debug info", "a.c", sampleC, []string{"-flto=thin", "-g"}, "14", []Module{{LTO: Thin}}},
	{"empty", "a.c", "", []string{"-flto=thin"}, "14", []Module{{LTO: Thin}}},
	{
		"unified", "a.c", sampleC, []string{"-flto=thin", "-funified-lto"}, "19",
		[]Module{{LTO: Thin, Flags: EnableSplitLTOUnit | UnifiedLTO}},
	},
	{
		"unified full", "a.c", sampleC, []string{"-flto=full", "-funified-lto"}, "19",
		[]Module{{LTO: Thin, Flags: EnableSplitLTOUnit | UnifiedLTO}},
	},
	{
		"split unit", "a.cpp", sampleCXX,
		[]string{"-flto=thin", "-fvisibility=hidden", "-fwhole-program-vtables"}, "14",
		[]Module{{LTO: Thin, Flags: EnableSplitLTOUnit}, {LTO: Regular, Flags: EnableSplitLTOUnit}},
	},
}

// TestIdentify compiles with each LLVM and holds the result against LLD of that
// LLVM: it makes an index for what it would compile as ThinLTO, and an empty
// file for all other bitcode.
func TestIdentify(t *testing.T) {
	for _, version := range llvmtest.Versions {
		for _, test := range identifyCases {
			if version < test.since {
				continue
			}
			t.Run(version+" "+test.name, func(t *testing.T) {
				path := compile(t, version, test.file, test.source, test.args...)
				got := identifyBoth(t, read(t, path))
				if index := thinLink(t, version, path); got.ThinLTO() != (len(index) > 0) {
					t.Errorf("ThinLTO is %v, LLD made an index of %d bytes", got.ThinLTO(), len(index))
				}
				checkProducer(t, got, version)
				hashes := dumpedHashes(t, path)
				want := make([]Module, len(test.want))
				for i, m := range test.want {
					m.Triple, m.SourceFileName, m.Version = linux, test.file, 2
					if m.LTO == Thin {
						m.Hash, hashes = hashes[0], hashes[1:]
					}
					want[i] = m
				}
				if diff := cmp.Diff(want, got.Modules); diff != "" || len(hashes) != 0 {
					t.Errorf("modules (-want +got):\n%s%d hashes left", diff, len(hashes))
				}
			})
		}
	}
}

func checkProducer(t *testing.T, id Identity, version string) {
	t.Helper()
	if !strings.HasPrefix(id.Producer, "LLVM"+version+".") || id.Epoch != 0 || fmt.Sprint(id.LLVMMajor()) != version {
		t.Errorf("producer %q, epoch %d, major %d", id.Producer, id.Epoch, id.LLVMMajor())
	}
}

// identifyBytes is IdentifyAt for bitcode in memory.
func identifyBytes(b []byte) (Identity, error) {
	c, err := NewCursor(b)
	if err != nil {
		return Identity{}, err
	}
	return identify(c)
}

// identifyBoth identifies b in memory and as a file, which must give the same.
func identifyBoth(t testing.TB, b []byte) Identity {
	t.Helper()
	id, err := identifyBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	at, err := IdentifyAt(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(id, at); diff != "" {
		t.Fatalf("in memory and as a file it differs:\n%s", diff)
	}
	return id
}

var dumpedHash = regexp.MustCompile(`<HASH.* op0=(\d+) op1=(\d+) op2=(\d+) op3=(\d+) op4=(\d+)/>`)

// dumpedHashes returns the module hashes as llvm-bcanalyzer shows them.
func dumpedHashes(t *testing.T, path string) [][5]uint32 {
	t.Helper()
	var hashes [][5]uint32
	for _, m := range dumpedHash.FindAllStringSubmatch(llvmtest.Output(t, "", "llvm-bcanalyzer-22", "--dump", path), -1) {
		var h [5]uint32
		for i := range h {
			if _, err := fmt.Sscan(m[i+1], &h[i]); err != nil {
				t.Fatal(err)
			}
		}
		hashes = append(hashes, h)
	}
	return hashes
}

func TestIdentifyIndex(t *testing.T) {
	for _, version := range llvmtest.Versions {
		path := compile(t, version, "a.c", sampleC, "-flto=thin")
		id := identifyBoth(t, thinLink(t, version, path))
		if len(id.Modules) != 1 || !id.Modules[0].Index || id.Modules[0].LTO != NoSummary || id.ThinLTO() {
			t.Errorf("LLVM %s: index identified as %+v", version, id)
		}
		if id.Producer != "" || id.LLVMMajor() != 0 {
			t.Errorf("LLVM %s: index has producer %q", version, id.Producer)
		}
	}
}

// TestIdentifySource covers a source that the compiler was told of by an absolute
// path: it is in the bitcode, whatever it is compiled with.
func TestIdentifySource(t *testing.T) {
	for _, version := range llvmtest.Versions {
		dir := t.TempDir()
		llvmtest.Write(t, dir, "a.c", sampleC)
		source := filepath.Join(dir, "a.c")
		llvmtest.Run(t, dir, "clang-"+version, "-c", "-flto=thin", "-ffile-prefix-map="+dir+"=.", source, "-o", "a.o")
		if id := identifyBoth(t, read(t, filepath.Join(dir, "a.o"))); id.Modules[0].SourceFileName != source {
			t.Errorf("LLVM %s: %q, not %q", version, id.Modules[0].SourceFileName, source)
		}
	}
}

// TestIdentifySkippedIndex covers the index of a module that the link has no use
// for.
func TestIdentifySkippedIndex(t *testing.T) {
	path := compile(t, "22", "a.c", sampleC, "-flto=thin")
	llvmtest.Output(t, filepath.Dir(path), "ld.lld-22", "-shared", "--thinlto-index-only=m", "--start-lib", "a.c.o", "--end-lib", "-o", "x.so")
	id := identifyBoth(t, read(t, path+".thinlto.bc"))
	if len(id.Modules) != 1 || !id.Modules[0].Index || id.Modules[0].Flags&2 == 0 {
		t.Errorf("identified as %+v", id)
	}
}

// TestIdentifyTripleless shows that it is not the missing triple that makes an
// index.
func TestIdentifyTripleless(t *testing.T) {
	ir := llvmtest.Output(t, "", "opt-22", "-module-summary", "-o", "-", "/dev/null")
	id := identifyBoth(t, []byte(ir))
	if len(id.Modules) != 1 || id.Modules[0].Index || id.Modules[0].LTO != Thin || id.Modules[0].Triple != "" {
		t.Errorf("identified as %+v", id)
	}
}

func TestIdentifyWrapped(t *testing.T) {
	path := compile(t, "22", "a.c", sampleC, "-flto=thin", "--target=x86_64-apple-macosx12")
	b := read(t, path)
	if !bytes.HasPrefix(b, []byte("\xde\xc0\x17\x0b")) {
		t.Fatalf("clang wrote no wrapper header but % x", b[:4])
	}
	id := identifyBoth(t, b)
	if !id.ThinLTO() || id.Modules[0].Triple != "x86_64-apple-macosx12.0.0" || id.LLVMMajor() != 22 {
		t.Errorf("identified as %+v", id)
	}
}

func TestIdentifyConcatenated(t *testing.T) {
	old := compile(t, "19", "old.c", sampleC, "-flto=full")
	thin := compile(t, "22", "thin.c", sampleC, "-flto=thin")
	path := filepath.Join(t.TempDir(), "both.bc")
	llvmtest.Output(t, "", "llvm-cat-22", "-b", "-o", path, old, thin)
	id := identifyBoth(t, read(t, path))
	checkProducer(t, id, "22")
	if len(id.Modules) != 2 || id.Modules[0].SourceFileName != "old.c" || id.Modules[0].LTO != Regular ||
		id.Modules[1].SourceFileName != "thin.c" || id.Modules[1].LTO != Thin {
		t.Errorf("identified as %+v", id)
	}
}

// TestIdentifyRust covers a producer with a suffix.
func TestIdentifyRust(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "r.o")
	cmd := []string{"--crate-type=lib", "-Clinker-plugin-lto", "-O", "--emit=obj", "-o", out, "-"}
	llvmtest.Output(t, dir, llvmtest.Rustc(t, "22"), cmd...)
	id := identifyBoth(t, read(t, out))
	if !id.ThinLTO() || !strings.Contains(id.Producer, "-rust-") || id.LLVMMajor() < 14 {
		t.Errorf("identified as %+v", id)
	}
}

func TestLLVMMajor(t *testing.T) {
	for producer, want := range map[string]int{
		"LLVM22.1.8": 22, "LLVM14.0.6": 14, "LLVM22.1.2-rust-1.95.0-stable": 22, "LLVM23.0.0git": 23, "LLVM3.2svn": 3,
		"": 0, "LLVM": 0, "LLVM-22.1": 0, "LLVM+22.1": 0, "APPLE_1_1500.3.9.4_0": 0, "LLVM99999999999999999999.1": 0,
	} {
		if got := (Identity{Producer: producer}).LLVMMajor(); got != want {
			t.Errorf("%q: %d, want %d", producer, got, want)
		}
	}
}

// TestIdentifyTail covers what archivers pad bitcode with: LLD takes up to eight
// bytes and calls more of them malformed.
func TestIdentifyTail(t *testing.T) {
	b := read(t, compile(t, "22", "a.c", sampleC, "-flto=thin"))
	for pad, good := range map[int]bool{0: true, 4: true, 8: true, 12: false} {
		id, err := identifyBytes(append(bytes.Clone(b), bytes.Repeat([]byte{'\n'}, pad)...))
		if (err == nil) != good || !id.ThinLTO() {
			t.Errorf("%d bytes of padding: %v, %+v", pad, err, id)
		}
	}
}

// TestIdentifyTruncated cuts a file at every byte. Whatever is cut off, the
// result is an error with an offset or says no more than the whole file does.
func TestIdentifyTruncated(t *testing.T) {
	b := read(t, compile(t, "22", "a.c", sampleC, "-flto=thin"))
	whole := identifyBoth(t, b)
	errs := 0
	for n := range b {
		id, err := identifyBytes(b[:n])
		var malformed *Error
		switch {
		case errors.As(err, &malformed):
			errs++
			if malformed.Offset > uint64(n)*8 {
				t.Errorf("%d bytes: %v", n, err)
			}
		case err != nil:
			t.Errorf("%d bytes: %v is no *Error", n, err)
		}
		if id.ThinLTO() && !cmp.Equal(id.Modules, whole.Modules) {
			t.Errorf("%d bytes: %+v", n, id)
		}
	}
	if errs < len(b)*3/4 {
		t.Errorf("only %d of %d truncated files are malformed", errs, len(b))
	}
}

// TestIdentifyShortFile covers a file that became shorter while it was read.
func TestIdentifyShortFile(t *testing.T) {
	b := read(t, compile(t, "22", "a.c", sampleC, "-flto=thin"))
	_, err := IdentifyAt(bytes.NewReader(b[:100]), int64(len(b)))
	var malformed *Error
	if !errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &malformed) {
		t.Errorf("got %v", err)
	}
	if _, err := IdentifyAt(bytes.NewReader(b), -1); !errors.As(err, &malformed) {
		t.Errorf("size -1: got %v", err)
	}
}

// FuzzIdentify holds identification in memory and through a window against each
// other.
func FuzzIdentify(f *testing.F) {
	for _, test := range identifyCases {
		f.Add(read(f, compile(f, "22", test.file, test.source, test.args...)))
	}
	f.Add(read(f, compile(f, "22", "a.c", "", "-flto=thin", "--target=x86_64-apple-macosx12")))
	f.Add(thinLink(f, "14", compile(f, "14", "a.c", sampleC, "-flto=thin")))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, err := identifyBytes(b)
		at, atErr := IdentifyAt(bytes.NewReader(b), int64(len(b)))
		if diff := cmp.Diff(id, at); diff != "" || fmt.Sprint(err) != fmt.Sprint(atErr) {
			t.Fatalf("in memory %v, as a file %v; difference:\n%s", err, atErr, diff)
		}
		_, _ = id.ThinLTO(), id.LLVMMajor()
	})
}

func TestTripleAt(t *testing.T) {
	for _, target := range []string{"x86_64-pc-linux-gnu", "thumbv7-unknown-linux-gnueabihf", "riscv64-unknown-linux-gnu"} {
		b := read(t, compile(t, "22", "a.c", "int f(int x) { return x; }", "-flto=thin", "--target="+target))
		got, err := TripleAt(bytes.NewReader(b), int64(len(b)))
		if err != nil || got != identifyBoth(t, b).Modules[0].Triple || got == "" {
			t.Errorf("%s: %q, %v", target, got, err)
		}
		for n := range b { // cut anywhere: the triple or none, never a part of it or a panic
			if cut, err := TripleAt(bytes.NewReader(b[:n]), int64(n)); err == nil && cut != "" && cut != got {
				t.Fatalf("%s cut at %d: %q", target, n, cut)
			}
		}
	}
}
