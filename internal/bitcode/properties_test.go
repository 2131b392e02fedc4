// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

const sampledC = `int x[100];
int foo(int a) { int s = 0; for (int i = 0; i < a; i++) s += x[i % 100]; return s; }
int bar(int n) { int t = 0; for (int i = 0; i < n; i++) t += foo(i); return t; }
`

// makeProfile makes a profile of sampledC, of a part of a program or of all of it.
func makeProfile(t testing.TB, version string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	llvmtest.Write(t, dir, "text", "foo:7711:610\n 1: 610\n 2: 7000\n\nbar:184019:0\n 1: 10\n 2: 534 foo:5000\n\n")
	args = append([]string{"merge", "--sample", "--extbinary", "-o", "profile", "text"}, args...)
	llvmtest.Run(t, dir, "llvm-profdata-"+version, args...)
	return "-fprofile-sample-use=" + filepath.Join(dir, "profile")
}

func propertiesOf(b []byte) (Properties, error) {
	return PropertiesAt(bytes.NewReader(b), int64(len(b)))
}

// printed are the properties that llvm-dis prints of a file's first module.
func printed(t testing.TB, version, path string) Properties {
	t.Helper()
	out := filepath.Join(t.TempDir(), "text")
	llvmtest.Run(t, "", "llvm-dis-"+version, "-o", out, path)
	text, err := os.ReadFile(out)
	if err != nil { // there are two
		text = read(t, out+".0")
	}
	number := func(pattern string) uint64 {
		match := regexp.MustCompile(pattern).FindSubmatch(text)
		if match == nil {
			return 0
		}
		n, err := strconv.ParseUint(string(match[1]), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return Properties{
		number(`(?m)^!\d+ = !\{i32 \d+, !"PIC Level", i32 (\d+)\}$`),
		number(`(?m)^!\d+ = !\{!"IsPartialProfile", i64 (\d+)\}$`) != 0,
	}
}

// TestProperties compares with llvm-dis.
func TestProperties(t *testing.T) {
	split := []string{"-fsplit-lto-unit", "-fwhole-program-vtables", "-fvisibility=hidden"}
	for _, version := range llvmtest.Versions {
		part := makeProfile(t, version, "--gen-partial-profile")
		all := makeProfile(t, version)
		for _, test := range []struct {
			name, source string
			args         []string
			want         Properties
		}{
			{"a.c", sampleC, []string{"-fno-pic"}, Properties{}},
			{"a.c", sampleC, []string{"-fno-pic", "-mcmodel=kernel", "-g"}, Properties{}},
			{"a.c", sampleC, []string{"-fpic"}, Properties{PICLevel: 1}},
			{"a.c", sampleC, []string{"-fPIC"}, Properties{PICLevel: 2}},
			{"a.c", sampleC, []string{"-fpie", "-g"}, Properties{PICLevel: 1}},
			{"a.c", sampleC, []string{"-fPIE", "-g3"}, Properties{PICLevel: 2}},
			{"a.c", "", []string{"-fPIC"}, Properties{PICLevel: 2}},
			{"a.c", sampledC, []string{"-fPIC", "-g", part}, Properties{2, true}},
			{"a.c", sampledC, []string{"-fno-pic", "-gline-tables-only", part}, Properties{0, true}},
			{"a.c", sampledC, []string{"-fpie", "-gline-tables-only", all}, Properties{PICLevel: 1}},
			{"a.cc", sampleCXX, []string{"-fPIE"}, Properties{PICLevel: 2}},
			{"a.cc", sampleCXX, append(split, "-fpic"), Properties{PICLevel: 1}},
			{"a.cc", sampleCXX, append(split, "-fno-pic", "-g"), Properties{}},
		} {
			path := compile(t, version, test.name, test.source, append(test.args, "-flto=thin")...)
			got, err := propertiesOf(read(t, path))
			if want := printed(t, version, path); err != nil || got != want || got != test.want {
				t.Errorf("LLVM %s, %s %q: %+v, %v; want %+v, llvm-dis prints %+v", version, test.name, test.args, got, err, test.want, want)
			}
		}
	}
}

// TestPropertiesOfOthers covers files that clang does not usually write.
func TestPropertiesOfOthers(t *testing.T) {
	wrapped := read(t, compile(t, "22", "a.c", sampleC, "-flto=thin", "--target=x86_64-apple-macosx12"))
	if got, err := propertiesOf(wrapped); err != nil || got.PICLevel != 2 {
		t.Errorf("behind a wrapper header: %+v, %v", got, err)
	}
	full := compile(t, "22", "full.c", sampleC, "-flto=full", "-fPIC")
	thin := compile(t, "22", "thin.c", sampleC, "-flto=thin", "-fpic")
	both := filepath.Join(t.TempDir(), "both.bc")
	llvmtest.Output(t, "", "llvm-cat-22", "-b", "-o", both, full, thin)
	if got, err := propertiesOf(read(t, both)); err != nil || got.PICLevel != 1 {
		t.Errorf("behind a module of full LTO: %+v, %v", got, err)
	}
	var malformed *Error
	for name, b := range map[string][]byte{"full LTO": read(t, full), "an index": thinLink(t, "22", thin)} {
		if got, err := propertiesOf(b); !errors.As(err, &malformed) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	empty := llvmtest.Output(t, "", "opt-22", "-module-summary", "-o", "-", "/dev/null")
	if got, err := propertiesOf([]byte(empty)); err != nil || got != (Properties{}) {
		t.Errorf("without metadata: %+v, %v", got, err)
	}
}

func TestPropertiesOfRust(t *testing.T) {
	dir := t.TempDir()
	llvmtest.Write(t, dir, "r.rs", "pub fn f(x: &str) -> String { format!(\"{x}{}\", x.len()) }\n")
	for model, want := range map[string]uint64{"pic": 2, "pie": 2, "static": 0} {
		out := filepath.Join(dir, model+".o")
		llvmtest.Output(t, dir, llvmtest.Rustc(t, "22"), "--crate-type=lib", "-Clinker-plugin-lto", "-O", "-g",
			"-Crelocation-model="+model, "--emit=obj", "-o", out, "r.rs")
		if got, err := propertiesOf(read(t, out)); err != nil || got != (Properties{PICLevel: want}) || got != printed(t, "22", out) {
			t.Errorf("relocation model %s: %+v, %v", model, got, err)
		}
	}
}

// TestPartialProfileOfImport shows that a backend uses the number of basic blocks of
// the link when a module that it imports from has a partial profile, too: Module's
// setPartialSampleProfileRatio is called for each, and the module that has no
// profile summary gets that of the import.
func TestPartialProfileOfImport(t *testing.T) {
	for _, version := range []string{"14", "16"} {
		dir := t.TempDir()
		llvmtest.Write(t, dir, "own.c", "int foo(int); int own(int x) { return foo(x) + 1; }\n", "import.c", sampledC)
		for name, more := range map[string]string{"own": "-fpic", "import": makeProfile(t, version, "--gen-partial-profile")} {
			llvmtest.Output(t, dir, "clang-"+version, "-c", "-O2", "-flto=thin", "-gline-tables-only", more, name+".c", "-o", name+".o")
			p, err := propertiesOf(read(t, filepath.Join(dir, name+".o")))
			if err != nil || p.PartialProfile != (name == "import") {
				t.Errorf("LLVM %s, %s: %+v, %v", version, name, p, err)
			}
		}
		llvmtest.Output(t, dir, "ld.lld-"+version, "-shared", "--thinlto-index-only=modules", "own.o", "import.o", "-o", "x.so")
		for _, keep := range []bool{true, false} {
			if kept := ratio(t, version, dir, keep) != "0.000000e+00"; kept != keep {
				t.Errorf("LLVM %s, block count kept: %t; ratio that is not 0: %t", version, keep, kept)
			}
		}
	}
}

// ratio is the partial profile's in what the backend makes of the module own.
func ratio(t testing.TB, version, dir string, keep bool) string {
	t.Helper()
	s, err := Canonicalise(read(t, filepath.Join(dir, "own.o.thinlto.bc")), same, Options{KeepBlockCount: keep})
	if err != nil || s.Form != Canonical {
		t.Fatal(s.Form, err)
	}
	llvmtest.Write(t, dir, "index", string(s.Data))
	ir := llvmtest.Output(t, dir, "clang-"+version, "-S", "-emit-llvm", "-O2", "-x", "ir", "own.o", "-fthinlto-index=index", "-o", "-")
	match := regexp.MustCompile(`"PartialProfileRatio", double (\S+)}`).FindStringSubmatch(ir)
	if match == nil {
		t.Fatalf("LLVM %s: nothing with a profile was imported", version)
	}
	return match[1]
}

// damaged are files to damage: one with an index of its metadata, one without.
func damaged(t testing.TB) [][]byte {
	var files [][]byte
	for _, args := range [][]string{{"-fPIC", "-gline-tables-only"}, {"-fPIC"}, {"-fno-pic", "-g"}} {
		args = append(args, makeProfile(t, "16", "--gen-partial-profile"), "-flto=thin")
		files = append(files, read(t, compile(t, "16", "a.c", sampledC, args...)))
	}
	return files
}

// checkProperties reads what may be malformed. Errors have an offset.
func checkProperties(t testing.TB, b []byte) (Properties, error) {
	t.Helper()
	got, err := propertiesOf(b)
	var malformed *Error
	if err != nil && (!errors.As(err, &malformed) || got != Properties{} || malformed.Offset > uint64(len(b))*8) {
		t.Fatalf("%+v, %v", got, err)
	}
	return got, err
}

// TestPropertiesTruncated cuts a file at every byte: there is an error, or the
// whole module is there.
func TestPropertiesTruncated(t *testing.T) {
	for _, b := range damaged(t) {
		whole, err := propertiesOf(b)
		if err != nil {
			t.Fatal(err)
		}
		wrong := 0
		for n := range b {
			if got, err := checkProperties(t, b[:n]); err != nil {
				wrong++
			} else if got != whole {
				t.Fatalf("cut at %d of %d: %+v, want %+v", n, len(b), got, whole)
			}
		}
		if wrong < len(b)/2 {
			t.Errorf("only %d of %d truncated files are malformed", wrong, len(b))
		}
		if _, err := PropertiesAt(bytes.NewReader(b[:100]), int64(len(b))); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("file that became shorter: %v", err)
		}
	}
}

// TestPropertiesFlipped turns every bit over.
func TestPropertiesFlipped(t *testing.T) {
	for _, b := range damaged(t) {
		for bit := range len(b) * 8 {
			b[bit/8] ^= 1 << (bit % 8)
			_, _ = checkProperties(t, b)
			b[bit/8] ^= 1 << (bit % 8)
		}
	}
}

func FuzzProperties(f *testing.F) {
	for _, b := range damaged(f) {
		f.Add(b)
	}
	for _, test := range propertyCases {
		m := newModule()
		test.change(m)
		f.Add(m.bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = checkProperties(t, b) })
}

// BenchmarkProperties reads through a window, as the linker driver does, and shows
// how much of the file that reads.
func BenchmarkProperties(b *testing.B) {
	small := read(b, compile(b, "22", "small.c", sampleC, "-flto=thin"))
	for name, data := range map[string][]byte{"small": small, "large": largeModule(b)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			r := &countingReader{r: bytes.NewReader(data)}
			for b.Loop() {
				if p, err := PropertiesAt(r, int64(len(data))); err != nil || p.PICLevel != 2 {
					b.Fatal(p, err)
				}
			}
			b.ReportMetric(float64(r.bytes)/float64(b.N)/float64(len(data)), "read/size")
			b.ReportMetric(float64(r.reads)/float64(b.N), "reads/op")
		})
	}
}

// TestIndexedMetadata reads every record of a large block by its index and by
// walking.
func TestIndexedMetadata(t *testing.T) {
	for _, version := range llvmtest.Versions {
		b := read(t, compile(t, version, "a.cc", sampleCXX+sampledC, "-flto=thin", "-g"))
		m := openMetadata(t, b)
		if m.index == nil {
			t.Fatalf("LLVM %s: no index of metadata", version)
		}
		var ids []uint64
		m.c.restore(m.index)
		_, _ = m.c.Next()
		n, _, err := m.c.openArray()
		if err != nil || n < 25 {
			t.Fatalf("LLVM %s: index of %d records, %v", version, n, err)
		}
		for i := range n {
			ids = append(ids, m.strings+i)
		}
		looked, walked := map[uint64]definition{}, map[uint64]definition{}
		if err := errors.Join(m.lookUp(ids, looked), m.walk(ids, walked)); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			l, w := looked[id], walked[id]
			if l.code != w.code || l.code == 0 || !slices.Equal(l.values, w.values) {
				t.Errorf("LLVM %s: metadata %d is %v by the index and %v", version, id, l, w)
			}
		}
	}
}

// openMetadata reads a file as far as the head of its metadata.
func openMetadata(t testing.TB, b []byte) *metadata {
	t.Helper()
	c, err := NewCursorAt(bytes.NewReader(b), int64(len(b)))
	o := outline{c: c}
	for err == nil && o.metadata == nil {
		var e Entry
		if e, err = c.Next(); err == nil && e.ID == moduleBlock {
			err = o.read()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	c.restore(o.metadata)
	m := &metadata{c: c}
	if err := m.read(moduleFlags); err != nil {
		t.Fatal(err)
	}
	return m
}
