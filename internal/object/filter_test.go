// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package object

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// filterInputs are members and what they define; f needs g, which is in a member
// of the same name. Those in drop are dropped.
var filterInputs = []struct{ name, source string }{
	{"drop/first.o", "int d1(void) { return 1; }"},
	{"m.o", "int g(void); int f(void) { return g(); }"},
	{"drop/m.o", "int d2(void) { return 2; } int both(void) { return 2; }"},
	{"sub/m.o", "int g(void) { return 3; } int both(void) { return 3; }"},
	{"a_name_that_is_longer_than_16.o", "int h(void) { return 4; }"},
	{"drop/another_name_that_is_longer.o", "int d3(void) { return 5; }"},
	{"sub/a_name_that_is_longer_than_16.o", "int i(void) { return 6; }"},
	{"unused.o", "int d1(void); int unused(void) { return d1(); }"},
	{"nothing.o", ""},
}

// makers make archives that can be filtered.
var makers = []struct {
	name        string
	make        []string
	wide, index bool
	lld13       bool // LLD 13 takes it
}{
	{"llvm 22", []string{"llvm-ar-22", "--format=gnu", "qc"}, false, true, true},
	{"llvm 22 no index", []string{"llvm-ar-22", "--format=gnu", "qcS"}, false, false, false},
	{"llvm 22 wide", []string{"llvm-ar-22", "--format=gnu", "qc"}, true, true, true},
	{"llvm 22 thin", []string{"llvm-ar-22", "--thin", "qc"}, false, true, true},
	{"llvm 22 thin no index", []string{"llvm-ar-22", "--thin", "qcS"}, false, false, false},
	{"llvm 22 thin wide", []string{"llvm-ar-22", "--thin", "qc"}, true, true, false},
	{"llvm 14", []string{"llvm-ar-14", "qc"}, false, true, true},
	{"llvm 14 thin", []string{"llvm-ar-14", "qcT"}, false, true, true},
	{"llvm 16 wide", []string{"llvm-ar-16", "qc"}, true, true, true},
	{"binutils", []string{"ar", "qc"}, false, true, true},
	{"binutils no index", []string{"ar", "qcS"}, false, false, false},
	{"binutils thin", []string{"ar", "qcsT"}, false, true, true},
	{"binutils thin no index", []string{"ar", "qcST"}, false, false, false},
}

// makeFilterable compiles the inputs once for all makers.
func makeFilterable(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, input := range filterInputs {
		compile(t, dir, input.name, input.source, "-fPIC", "-ffunction-sections")
	}
	compile(t, dir, "main.o", "int start(void) { return 0; }", "-fPIC")
	return dir
}

// archiveOf makes orig/libx.a and res/libx.a without what is to be dropped.
func archiveOf(t *testing.T, dir string, command []string, name func(Member) string) (before, after []byte) {
	t.Helper()
	var files []string
	for _, input := range filterInputs {
		files = append(files, "../"+input.name)
	}
	write(t, filepath.Join(dir, "res/.keep"), "")
	orig := filepath.Join(dir, "orig/libx.a")
	write(t, orig, "")
	_ = os.Remove(orig)
	llvmtest.Output(t, filepath.Dir(orig), command[0], append(append(command[1:], "libx.a"), files...)...)
	after = filterFile(t, orig, filepath.Join(dir, "res/libx.a"), keepOf(t, orig), name)
	return read(t, orig), after
}

// keepOf keeps by where a member is: names are not unique.
func keepOf(t *testing.T, archive string) func(Member) bool {
	t.Helper()
	kept := map[int64]bool{}
	all, err := collect(t, read(t, archive))
	if err != nil || len(all) != len(filterInputs) {
		t.Fatal(all, err)
	}
	for i, m := range all {
		kept[m.HeaderOffset] = !strings.HasPrefix(filterInputs[i].name, "drop/")
	}
	return func(m Member) bool { return kept[m.HeaderOffset] }
}

func filterFile(t testing.TB, from, to string, keep func(Member) bool, name func(Member) string) []byte {
	t.Helper()
	r, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	info, err := r.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if err := Filter(w, r, info.Size(), keep, name); err != nil {
		t.Fatal(err)
	}
	return read(t, to)
}

func sameName(m Member) string { return m.Name }

// TestFilter compares members, contents and symbols with the original's: the
// symbols as llvm-nm lists them.
func TestFilter(t *testing.T) {
	dir := makeFilterable(t)
	for _, maker := range makers {
		t.Run(maker.name, func(t *testing.T) {
			if maker.wide {
				t.Setenv("SYM64_THRESHOLD", "0")
			}
			before, after := archiveOf(t, dir, maker.make, sameName)
			table := strings.TrimRight(string(after[8:24]), " ")
			if maker.wide && table != symbols64 || !maker.wide && (table == symbols32) != maker.index {
				t.Errorf("the first member is %s", table)
			}
			compareFiltered(t, before, after)
			want, got := index(t, dir, "orig/libx.a"), index(t, dir, "res/libx.a")
			want = regexp.MustCompile(`(?m)^d\d in .*\n|^both in m.o\n`).ReplaceAllString(want, "")
			if maker.index && strings.Count(got, "both in ") != 1 {
				t.Errorf("both is to be there once:\n%s", got)
			}
			got = regexp.MustCompile(`(?m)^both in m.o\n`).ReplaceAllString(got, "")
			if diff := cmp.Diff(want, got); diff != "" || maker.index != strings.Contains(got, "\ng in ") {
				t.Errorf("symbols (-want +got):\n%s", diff)
			}
			var again bytes.Buffer
			if err := Filter(&again, bytes.NewReader(after), int64(len(after)), keepAll, sameName); err != nil || again.String() != string(after) {
				t.Errorf("filtering the result is not the same: %v", err)
			}
		})
	}
}

func keepAll(Member) bool { return true }

// index lists an archive's symbol table, without folders.
func index(t *testing.T, dir, archive string) string {
	t.Helper()
	out := llvmtest.Output(t, dir, "llvm-nm-22", "--print-armap", archive)
	if !strings.HasPrefix(out, "Archive map\n") {
		return ""
	}
	out, _, _ = strings.Cut(out, "\n\n") // behind it are the members' own symbols
	return regexp.MustCompile(` in .*/`).ReplaceAllString(out+"\n", " in ")
}

// compareFiltered compares the kept members one by one.
func compareFiltered(t *testing.T, before, after []byte) {
	t.Helper()
	was, err := collect(t, before)
	if err != nil {
		t.Fatal(err)
	}
	is, err := collect(t, after)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range was {
		if strings.HasPrefix(filterInputs[i].name, "drop/") {
			continue
		}
		if len(is) == 0 {
			t.Fatalf("%s is missing", m.Name)
		}
		n := is[0]
		is = is[1:]
		if n.Name != m.Name || n.Size != m.Size || n.Thin != m.Thin {
			t.Errorf("%+v became %+v", m, n)
		}
		if !m.Thin && !bytes.Equal(before[m.Offset:m.Offset+m.Size], after[n.Offset:n.Offset+n.Size]) {
			t.Errorf("%s has other contents", m.Name)
		}
	}
	if len(is) > 0 {
		t.Errorf("too many: %v", is)
	}
}

// TestFilterLazy has each LLD extract from an archive and from what Filter makes
// of it: the same members, shown alike, in the same order, or the same refusal.
func TestFilterLazy(t *testing.T) {
	dir := makeFilterable(t)
	for _, maker := range makers {
		t.Run(maker.name, func(t *testing.T) {
			if maker.wide {
				t.Setenv("SYM64_THRESHOLD", "0")
			}
			archiveOf(t, dir, maker.make, sameName)
			for _, version := range lldVersions() {
				trace := func(args ...string) string {
					out, _ := llvmtest.TryRun(t, dir, "ld.lld-"+version, append([]string{"--trace", "-shared", "main.o", "-o", "x.so"}, args...)...)
					return out
				}
				want := strings.ReplaceAll(trace("-uh", "-uf", "-uunknown", "orig/libx.a"), "orig/", "res/")
				got := trace("-uh", "-uf", "-uunknown", "res/libx.a")
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("LLD %s (-want +got):\n%s", version, diff)
				}
				if version == "13" && !maker.lld13 {
					continue
				}
				if lines := strings.Count(got, "\nres/libx.a("); lines != 3 {
					t.Errorf("LLD %s extracts %d members: %s", version, lines, got)
				}
				if out := trace("-ud1", "-ud2", "-ud3", "res/libx.a"); maker.index && out != "main.o\n" {
					t.Errorf("LLD %s extracts what was dropped:\n%s", version, out)
				}
			}
		})
	}
}

// TestFilterDuplicate has a symbol that a dropped and a kept member of one name
// define: the kept one serves.
func TestFilterDuplicate(t *testing.T) {
	dir := makeFilterable(t)
	for _, command := range [][]string{{"llvm-ar-22", "qc"}, {"ar", "qcsT"}} {
		archiveOf(t, dir, command, sameName)
		for _, version := range lldVersions() {
			llvmtest.Run(t, dir, "ld.lld-"+version, "-shared", "main.o", "-uboth", "res/libx.a", "-o", "x.so")
			if got := exported(t, dir); got != "both\ng\nstart\n" {
				t.Errorf("LLD %s, %s:\n%s", version, command, got)
			}
		}
	}
}

// TestFilterThinAbsolute makes a thin archive that can be read from any folder;
// LLD shows the names that the members got.
func TestFilterThinAbsolute(t *testing.T) {
	dir := makeFilterable(t)
	name := func(m Member) string { return ThinPath(dir+"/orig/libx.a", m) }
	for _, command := range [][]string{{"llvm-ar-22", "qcT"}, {"ar", "qcsT"}} {
		_, after := archiveOf(t, dir, command, name)
		write(t, filepath.Join(dir, "far/away/libx.a"), string(after))
		for _, version := range lldVersions() {
			got := llvmtest.Run(t, dir, "ld.lld-"+version, "--trace", "-shared", "main.o", "-uh", "-uf", "far/away/libx.a", "-o", "x.so")
			for _, member := range []string{"m.o", "sub/m.o", "a_name_that_is_longer_than_16.o"} {
				if want := "far/away/libx.a(" + dir + "/orig/../" + member + ")\n"; !strings.Contains(got, want) {
					t.Errorf("LLD %s shows no %s in\n%s", version, want, got)
				}
			}
			if strings.Count(got, "\n") != 4 {
				t.Errorf("LLD %s:\n%s", version, got)
			}
		}
	}
}
