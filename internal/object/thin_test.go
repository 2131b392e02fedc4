// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package object

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// thinNames are names for a thin archive's members, some of them awkward.
var thinNames = []string{
	"m.o", "0/m.o", "exactly-15-char", "exactly-16-chars", "../3/up.o", "./here.o", "#1/2", " space in front", "space behind ", "a (b)/x (y).o",
	"lïb/日本語.o", "l\xffatin.o", "we'ir\"d`;*?[x]\\\t.o", "0/" + strings.Repeat("long", 50) + "/" + strings.Repeat("long", 50) + ".o",
}

// makeThin compiles an object for each name, with functions f0, f1 and so on, and
// writes stage/3/libx.a.
func makeThin(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for i, name := range thinNames {
		compile(t, dir, "f.o", fmt.Sprintf("int f%d(void) { return %d; }", i, i), "-fPIC", "-ffunction-sections")
		write(t, filepath.Join(dir, "stage/3", name), string(read(t, filepath.Join(dir, "f.o"))))
	}
	writeThin(t, filepath.Join(dir, "stage/3/libx.a"), thinNames...)
	return dir
}

func writeThin(t *testing.T, path string, names ...string) {
	t.Helper()
	b, err := MakeThinArchive(names)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(b))
}

// TestMakeThinArchive has each LLD link all members: their names in --trace and -Map,
// the functions in order, --exclude-libs by the archive's base name and by ALL.
func TestMakeThinArchive(t *testing.T) {
	dir := makeThin(t)
	var trace, functions strings.Builder
	for i, name := range thinNames {
		fmt.Fprintf(&trace, "stage/3/libx.a(%s)\n", name)
		fmt.Fprintf(&functions, "f%d\n", i)
	}
	for _, version := range lldVersions() {
		t.Run(version, func(t *testing.T) {
			link := func(args ...string) string {
				args = append([]string{"-shared", "-o", "x.so", "--whole-archive", "stage/3/libx.a", "--no-whole-archive"}, args...)
				return llvmtest.Run(t, dir, "ld.lld-"+version, args...)
			}
			if diff := cmp.Diff(trace.String(), link("--trace", "-Map=map")); diff != "" {
				t.Errorf("--trace (-want +got):\n%s", diff)
			}
			linkMap := string(read(t, filepath.Join(dir, "map")))
			for i, name := range thinNames {
				if !strings.Contains(linkMap, fmt.Sprintf("stage/3/libx.a(%s):(.text.f%d)", name, i)) {
					t.Errorf("the map has nothing of %q", name)
				}
			}
			if got := exported(t, dir, "-n"); got != functions.String() {
				t.Errorf("functions by address:\n%s", got)
			}
			for _, libs := range []string{"libx.a", "ALL"} {
				link("--exclude-libs=" + libs)
				if got := exported(t, dir); got != "" {
					t.Errorf("--exclude-libs=%s leaves:\n%s", libs, got)
				}
			}
		})
	}
}

// exported lists the exported symbols of x.so.
func exported(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out := llvmtest.Output(t, dir, "llvm-nm-22", append(args, "-D", "--defined-only", "--format=just-symbols", "x.so")...)
	return strings.TrimLeft(out, "\n")
}

// TestThinArchivePattern matches members in linker scripts: LLD takes the name
// as it is in the archive, folders and all.
func TestThinArchivePattern(t *testing.T) {
	dir := makeThin(t)
	for _, version := range lldVersions() {
		for pattern, want := range map[string]string{
			"*libx.a:m.o":         "f0",
			"*libx.a:0/m.o":       "f1",
			"*libx.a:*m.o":        "f0 f1",
			"stage/3/libx.a:m.o":  "f0",
			"*libx.a:exactly-16*": "f3",
			"libx.a:m.o":          "",
			"*libx.a:./m.o":       "",
			"*libx.a:a??b??x*":    "f9",
		} {
			write(t, filepath.Join(dir, "x.ld"), "SECTIONS { .mine : { "+pattern+"(.text*) } .text : { *(.text*) } }")
			llvmtest.Run(t, dir, "ld.lld-"+version, "-shared", "-T", "x.ld", "--whole-archive", "stage/3/libx.a", "-o", "x.so")
			if got := strings.Join(functionsIn(t, dir, ".mine"), " "); got != want {
				t.Errorf("LLD %s, %s matches %q, want %q", version, pattern, got, want)
			}
		}
	}
}

// functionsIn lists the functions in a section of x.so.
func functionsIn(t *testing.T, dir, section string) (found []string) {
	t.Helper()
	for _, line := range strings.Split(llvmtest.Output(t, dir, "llvm-objdump-22", "-t", "x.so"), "\n") {
		f := strings.Fields(line)
		if len(f) == 6 && f[2] == "F" && f[3] == section {
			found = append(found, f[5])
		}
	}
	return found
}

// TestThinArchiveRead reads an archive back, with ours and with LLVM's.
func TestThinArchiveRead(t *testing.T) {
	dir := makeThin(t)
	b := read(t, filepath.Join(dir, "stage/3/libx.a"))
	got, err := collect(t, b)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range got {
		names = append(names, m.Name)
		if _, err := os.Stat(ThinPath(filepath.Join(dir, "stage/3/libx.a"), m)); err != nil || !m.Thin || m.Size != 0 {
			t.Errorf("%+v: %v", m, err)
		}
	}
	if diff := cmp.Diff(thinNames, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	for _, ar := range []string{"llvm-ar-14", "llvm-ar-22"} {
		list := strings.Split(strings.TrimSpace(llvmtest.Output(t, dir, ar, "t", "stage/3/libx.a")), "\n")
		if len(list) != len(thinNames) || !strings.HasSuffix(list[1], "0/m.o") {
			t.Errorf("%s lists %q", ar, list)
		}
	}
}

// TestEmptyThinArchive adds nothing to a link.
func TestEmptyThinArchive(t *testing.T) {
	dir := t.TempDir()
	compile(t, dir, "m.o", "int f(void) { return 1; }", "-fPIC")
	writeThin(t, filepath.Join(dir, "x.a"))
	for _, version := range lldVersions() {
		got := llvmtest.Run(t, dir, "ld.lld-"+version, "--trace", "-shared", "m.o", "--whole-archive", "x.a", "--no-whole-archive", "x.a", "-o", "x.so")
		if got != "m.o\n" {
			t.Errorf("LLD %s links %q", version, got)
		}
	}
}

func TestThinArchiveNames(t *testing.T) {
	for _, test := range []struct {
		names []string
		want  string
	}{
		{[]string{"m.o", ""}, `name "": cannot be written`},
		{[]string{"new\nline.o"}, `name "new\nline.o": cannot be written`},
		{[]string{"zero\x00.o"}, `name "zero\x00.o": cannot be written`},
		{[]string{strings.Repeat("n", maxName+1)}, "cannot be written"},
		{[]string{"m.o", "n.o", "m.o"}, `name "m.o": twice`},
	} {
		if b, err := MakeThinArchive(test.names); b != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %q, %v", test.names, b, err)
		}
	}
	longest := strings.Repeat("n", maxName)
	b, err := MakeThinArchive([]string{longest})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := collect(t, b); err != nil || len(got) != 1 || got[0].Name != longest {
		t.Errorf("%v, %v", got, err)
	}
}
