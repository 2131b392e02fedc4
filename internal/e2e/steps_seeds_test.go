// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// What LLVM's people gave as examples of separate steps, to the letter but for line ends.
const (
	stepSources = `
echo 'int g() { return 0; }' > a.c
echo 'int f(); int main() { return f(); }' > b.c
echo 'int g(); int f() { return g(); }' > c.c
echo '' > d.c
`
	stepCompiles = `
clang -c -flto=thin -O2 b.c -o thin/b.o -fthin-link-bitcode=thin/b.min.o
clang -c -flto=thin -O2 c.c -o thin/c.o -fthin-link-bitcode=thin/c.min.o
clang -c -flto=thin -O2 d.c -o thin/d.o -fthin-link-bitcode=thin/d.min.o
`
	// Index files and backend compile files are in the same directory. The original makes
	// thin/a.o and links a.o.
	sameFolder = stepSources + "mkdir -p thin obj" + stepCompiles + `
clang -c -O2 a.c -o thin/a.o
cp thin/a.o a.o
clang -flto=thin -fuse-ld=lld -Wl,--thinlto-index=obj/exe.map,--thinlto-emit-imports-files,--thinlto-prefix-replace='thin;obj',--thinlto-object-suffix-replace='.min.o;.o' \
  a.o thin/b.min.o -Wl,--start-lib thin/c.min.o thin/d.min.o -Wl,--end-lib
clang -c -O2 -fthinlto-index=obj/b.o.thinlto.bc thin/b.o -o obj/b.o
clang -c -O2 -fthinlto-index=obj/c.o.thinlto.bc thin/c.o -o obj/c.o
clang -c -O2 -fthinlto-index=obj/d.o.thinlto.bc thin/d.o -o obj/d.o
`
	// In different directories. The original compiles thin/c.o with d's index: an index of
	// what the link does not use makes an empty object of anything.
	otherFolder = stepSources + "mkdir -p thin index obj" + stepCompiles + `
clang -c -O2 a.c -o a.o
clang -flto=thin -fuse-ld=lld -Wl,--thinlto-index=obj/exe.map,--thinlto-emit-imports-files,--thinlto-prefix-replace='thin;index;obj',--thinlto-object-suffix-replace='.min.o;.o' \
  a.o thin/b.min.o -Wl,--start-lib thin/c.min.o thin/d.min.o -Wl,--end-lib
clang -c -O2 -fthinlto-index=index/b.o.thinlto.bc thin/b.o -o obj/b.o
clang -c -O2 -fthinlto-index=index/c.o.thinlto.bc thin/c.o -o obj/c.o
clang -c -O2 -fthinlto-index=index/d.o.thinlto.bc thin/c.o -o obj/d.o
`
	finalLink = `
clang -fuse-ld=lld -Wl,--remap-inputs-file=obj/exe.map a.o thin/b.min.o -Wl,--start-lib thin/c.min.o thin/d.min.o -Wl,--end-lib -o obj/exe
obj/exe
`
)

// TestStepsSeeds is those examples with each LLVM, whichever of the options it has itself.
func TestStepsSeeds(t *testing.T) {
	for _, tt := range []struct{ name, commands, index string }{
		{"same folder", sameFolder, "obj"},
		{"other folder", otherFolder, "index"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withLLVMs(t, everyLLVM, func(s *staging) {
				s.shell(tt.commands)
				if _, err := os.Stat(s.path("a.out")); err == nil {
					t.Error("the thin link writes an output")
				}
				want := []string{"obj/b.o", "obj/c.o", "obj/d.o", "obj/exe.map"}
				for _, module := range []string{"/b.o", "/c.o", "/d.o"} {
					want = append(want, tt.index+module+".imports", tt.index+module+".thinlto.bc")
				}
				s.wantTree(want, "obj", "index")
				s.wantFile(tt.index+"/b.o.imports", "thin/c.o\n")
				s.wantFile(tt.index+"/c.o.imports", "")
				s.wantFile(tt.index+"/d.o.imports", "")
				lines := []string{"thin/b.min.o=obj/b.o", "thin/c.min.o=obj/c.o", "thin/d.min.o=/dev/null"}
				if m := s.readMap("obj/exe.map"); !slices.Equal(m.lines, lines) {
					s.t.Errorf("the map has %q, want %q", m.lines, lines)
				}
				s.shell(finalLink)
				if s.remaps() {
					s.shell("rm obj/exe\n"+finalLink, mapLLD.flag, mapLLD.flag)
				}
				// Nothing but the map, the objects and the native input is needed any more.
				s.shell("rm -r obj/exe index thin/?.o obj/*.thinlto.bc obj/*.imports || true\n" + finalLink)
			})
		})
	}
}

// wantTree wants just these files in folders, of which one need not be there.
func (s *staging) wantTree(want []string, folders ...string) {
	s.t.Helper()
	var got []string
	for _, folder := range folders {
		if _, err := os.Stat(s.path(folder)); err == nil {
			for name := range s.files(folder) {
				got = append(got, folder+"/"+name)
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		s.t.Errorf("there are\n%q, want\n%q", got, want)
	}
}

// The example of the RFC's thread, to the letter.
const (
	rfcCompiles = `
echo 'int bb(); int main() { return bb(); }' > a.c
echo 'int elf0(); int bb() { return elf0(); }' > b.c
echo 'int cc() { return 0; }' > c.c
echo 'int elf0() { return 0; }' > elf0.c && clang -c elf0.c
echo '' > elf1.c && clang -c elf1.c
clang -c -O2 -flto=thin a.c b.c c.c
`
	rfcThinLink = `
clang -flto=thin -fuse-ld=lld -Wl,--thinlto-index-only=a.rsp,--thinlto-emit-imports-files -Wl,--thinlto-prefix-replace=';lto/' elf0.o a.o -Wl,--start-lib b.o c.o -Wl,--end-lib elf1.o
`
	rfcBackends = `
clang -c -O2 -fthinlto-index=lto/a.o.thinlto.bc a.o -o lto/a.o
clang -c -O2 -fthinlto-index=lto/b.o.thinlto.bc b.o -o lto/b.o
clang -c -O2 -fthinlto-index=lto/c.o.thinlto.bc c.o -o lto/c.o
`
	rfcFinalLink = `
clang -fuse-ld=lld @a.rsp elf0.o elf1.o  # a.rsp contains lto/a.o and lto/b.o
./a.out
`
)

// TestStepsRFC is the RFC's example the old way, in which ld.dtlto is LLD, and with a map.
func TestStepsRFC(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		old := rfcCompiles + rfcThinLink + rfcBackends + rfcFinalLink
		plain := newStaging(s.t, s.llvm)
		plain.shell(old, mapLLD.flag, mapLLD.flag)
		s.shell(old)
		want, got := plain.files("."), s.files(".")
		if !maps.Equal(got, want) {
			s.t.Errorf("ld.dtlto makes %q, LLD %q, or other contents", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
		s.wantFile("a.rsp", "lto/a.o\nlto/b.o\n")

		mapped := newStaging(s.t, s.llvm)
		mapped.shell(rfcCompiles)
		inputs := "elf0.o a.o -Wl,--start-lib b.o c.o -Wl,--end-lib elf1.o\n"
		mapped.shell(strings.Replace(rfcThinLink, "index-only=a.rsp", "index=a.map", 1) + rfcBackends +
			"clang -fuse-ld=lld -Wl,--remap-inputs-file=a.map " + inputs + "./a.out\n")
		got = mapped.files(".")
		for name, text := range want {
			if name == "a.rsp" || name == "a.out" || strings.HasSuffix(name, ".thinlto.bc") {
				continue // in a form of dtlto's own, which makes the same objects
			}
			if got[name] != text {
				s.t.Errorf("with a map, %s is other than LLD makes it", name)
			}
		}
		lines := []string{"a.o=lto/a.o", "b.o=lto/b.o", "c.o=/dev/null"}
		if m := mapped.readMap("a.map"); !slices.Equal(m.lines, lines) {
			s.t.Errorf("the map has %q, want %q", m.lines, lines)
		}
		wantSameSymbols(s.t, plain.path("a.out"), mapped.path("a.out"))
	})
}

// TestStepsIssue is the issue of somebody for whom .o files worked and an archive did not.
func TestStepsIssue(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		s.write("lib.cc", "#include <string>\nstd::string lib() { return \"from the archive\"; }\n",
			"main.cc", "#include <cstdio>\n#include <string>\nstd::string lib();\nint main() { std::puts(lib().c_str()); }\n")
		said := s.shell(`
clang++ lib.cc -flto=thin -O3 -c -o lib.o
clang++ main.cc -flto=thin -O3 -c -o main.o
` + s.tool("llvm-ar") + ` rc lib.a lib.o
rm lib.o
clang++ main.o lib.a -fuse-ld=lld -o main -Wl,--thinlto-index=main.map,--thinlto-emit-imports-files,--thinlto-prefix-replace=';obj/'
! test -e main
clang++ -O3 -o obj/main.o -x ir main.o -c -fthinlto-index=obj/main.o.thinlto.bc
clang++ -O3 -o obj/lib.a.d/lib.o -x ir obj/lib.a.d/lib.o.bc -c -fthinlto-index=obj/lib.a.d/lib.o.thinlto.bc
clang++ main.o lib.a -fuse-ld=lld -o main -Wl,--remap-inputs-file=main.map
./main
cat obj/main.o.imports
`)
		if !strings.Contains(said, "\nfrom the archive\n") || !strings.HasSuffix(said, "\nobj/lib.a.d/lib.o.bc\n") {
			s.t.Errorf("the steps say\n%s", said)
		}
		s.wantTree([]string{"obj/main.o", "obj/main.o.imports", "obj/main.o.thinlto.bc", "obj/lib.a", "obj/lib.a.d/lib.o",
			"obj/lib.a.d/lib.o.bc", "obj/lib.a.d/lib.o.imports", "obj/lib.a.d/lib.o.thinlto.bc"}, "obj")
		lines := []string{"main.o=obj/main.o", "lib.a=obj/lib.a"}
		if m := s.readMap("main.map"); !slices.Equal(m.lines, lines) {
			s.t.Errorf("the map has %q, want %q", m.lines, lines)
		}
	})
}
