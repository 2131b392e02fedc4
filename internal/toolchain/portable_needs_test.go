// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package toolchain

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// by makes an Identity of files, the program first, as if a loader had listed them.
func by(t *testing.T, files ...string) Identity {
	t.Helper()
	parts, err := partsOf(files)
	if err != nil {
		t.Fatal(err)
	}
	digest, _, ok := sameParts(parts, clock())
	if !ok {
		t.Fatal("changes")
	}
	return Identity{digest, parts}
}

// tree builds a program that needs liba.so, which needs libb.so, and a loader, for
// a machine that need not be this one.
func tree(t *testing.T, target, loader string) string {
	t.Helper()
	root := t.TempDir()
	build := func(args ...string) {
		args = append([]string{"--target=" + target, "-nostdlib", "-fuse-ld=lld"}, args...)
		llvmtest.Run(t, root, "clang-22", args...)
	}
	llvmtest.Write(t, root, "b.c", "int b(void) { return 1; }", "a.c", "int b(void); int a(void) { return b(); }",
		"main.c", "int a(void); void _start(void) { a(); }")
	build("-shared", "-fPIC", "b.c", "-Wl,-soname,"+loader, "-o", loader)
	build("-shared", "-fPIC", "b.c", "-Wl,-soname,libb.so", "-o", "libb.so")
	build("-shared", "-fPIC", "a.c", "libb.so", "-Wl,-soname,liba.so", "-o", "liba.so")
	build("main.c", "liba.so", "-Wl,--allow-shlib-undefined,-dynamic-linker,/lib/"+loader, "-o", "clang")
	return root
}

// in gives files of a folder.
func in(folder string, names ...string) (paths []string) {
	for _, name := range names {
		paths = append(paths, filepath.Join(folder, name))
	}
	return paths
}

// The loader's name and the machine are the program's, not this machine's.
func TestPortableForAArch64(t *testing.T) {
	root := tree(t, "aarch64-linux-gnu", "ld-linux-aarch64.so.1")
	files := in(root, "clang", "liba.so", "libb.so", "ld-linux-aarch64.so.1")
	p, err := MakePortable(files[0], by(t, files...))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"bin/clang", "lib/ld-linux-aarch64.so.1", "lib/liba.so", "lib/libb.so"}; !slices.Equal(names(p), want) {
		t.Errorf("%q", names(p))
	}
	if got := p.Command("t")[0]; got != "t/lib/ld-linux-aarch64.so.1" {
		t.Error(got)
	}
	foreign := tree(t, "x86_64-linux-gnu", "ld-linux-aarch64.so.1")
	files[2] = filepath.Join(foreign, "libb.so")
	if _, err := MakePortable(files[0], by(t, files...)); err == nil || !strings.Contains(err.Error(), "is for EM_X86_64 of ELFCLASS64, and the program for EM_AARCH64") {
		t.Error(err)
	}
}

func TestNotPortable(t *testing.T) {
	const loader = "ld-linux-x86-64.so.2"
	root := tree(t, "x86_64-linux-gnu", loader)
	lld := func(args ...string) {
		llvmtest.Run(t, root, "clang-22", append([]string{"-nostdlib", "-fuse-ld=lld"}, args...)...)
	}
	for _, folder := range []string{"other", "glibc-hwcaps/x86-64-v3", "haswell"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
		lld("-shared", "-fPIC", "b.c", "-DOTHER", "-O1", "-Wl,-soname,libb.so", "-o", folder+"/libb.so")
	}
	lld("-shared", "-fPIC", "b.c", "-o", "path.so") // no soname: is asked for as it was given
	lld("-shared", "-fPIC", "a.c", filepath.Join(root, "path.so"), "-Wl,-soname,liba.so", "-o", "slash.so")
	lld("-shared", "-fPIC", "a.c", "libb.so", "-Wl,-soname,liba.so,--auxiliary=libc.so.6", "-o", "auxiliary.so")
	lld("main.c", "liba.so", "-Wl,--allow-shlib-undefined,-dynamic-linker,/lib/ld-uClibc.so.0", "-o", "uclibc")
	lld("main.c", "liba.so", "-Wl,--allow-shlib-undefined,--no-dynamic-linker", "-o", "none")
	for _, name := range []string{"slash", "auxiliary"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(root, name+".so"), filepath.Join(root, name, "liba.so")); err != nil {
			t.Fatal(err)
		}
	}
	llvmtest.Write(t, root, "a:b.so", "", "\xff.so", "", "text/libb.so", "INPUT(libb.so) /* and so on */")
	bare := strip(t, filepath.Join(root, "liba.so"))
	llvmtest.Write(t, root, "bare/liba.so", bare)
	for _, c := range []struct {
		files string
		want  string
	}{
		{"clang liba.so libb.so " + loader, ""},
		{"clang liba.so libb.so libb.so " + loader + " " + loader, ""},
		{"clang liba.so libb.so path.so " + loader, "path.so: is loaded with it, though nothing asks for it (LD_PRELOAD or /etc/ld.so.preload?)"},
		{"clang a:b.so", "a:b.so\": has a name that servers or loaders do not take"},
		{"clang \xff.so", "\\xff.so\": has a name that servers or loaders do not take"},
		{"clang liba.so libb.so", "its loader " + loader + " is not in the list of files that it loads"},
		{"clang liba.so " + loader, "liba.so: asks for libb.so, and no file of that name was loaded"},
		{"clang liba.so libb.so other/libb.so " + loader, "other/libb.so: has the name of ROOT/libb.so, which is another file"},
		{"clang liba.so glibc-hwcaps/x86-64-v3/libb.so " + loader, "libb.so: is only for processors like this one, as its folder glibc-hwcaps says"},
		{"clang liba.so haswell/libb.so " + loader, "libb.so: is only for processors like this one, as its folder haswell says"},
		{"clang slash/liba.so libb.so " + loader, "slash/liba.so: asks for a library by its path, ROOT/path.so"},
		{"clang auxiliary/liba.so libb.so " + loader, "auxiliary/liba.so: makes the loader load more with DT_AUXILIARY"},
		{"uclibc liba.so libb.so " + loader, "its loader is ld-uClibc.so.0, and only those of glibc and musl can be told what to load"},
		{"none", "none: asks for liba.so, and no file of that name was loaded"},
		{"clang liba.so text/libb.so " + loader, "text/libb.so: bad magic number"},
		{"clang bare/liba.so libb.so " + loader, "bare/liba.so: has no section headers, so what it loads cannot be told"},
		{"main.c", "main.c: not an ELF program"},
	} {
		files := in(root, strings.Fields(c.files)...)
		_, err := MakePortable(files[0], by(t, files...))
		want := strings.ReplaceAll(c.want, "ROOT", root)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), files[0]+": cannot be sent to other machines: ")) {
			t.Errorf("%s: %v", c.files, err)
		}
	}
}

// strip gives a library without section headers, which loaders do not look at.
func strip(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	clear(b[0x28:0x30]) // e_shoff
	clear(b[0x3a:0x40]) // e_shentsize, e_shnum, e_shstrndx
	return string(b)
}

func TestLoaderNames(t *testing.T) {
	for _, c := range []struct {
		loader, name string
		want         bool
	}{
		{"ld-linux-x86-64.so.2", "ld-linux-x86-64.so.2", true},
		{"ld-linux-x86-64.so.2", "libc.so.6", false},
		{"ld-musl-x86_64.so.1", "libc.so", true},
		{"ld-musl-x86_64.so.1", "libc.musl-x86_64.so.1", true},
		{"ld-musl-x86_64.so.1", "libpthread.so.0", true},
		{"ld-musl-x86_64.so.1", "libm", false},
		{"ld-musl-x86_64.so.1", "libc++.so.1", false},
		{"ld-musl-x86_64.so.1", "libstdc++.so.6", false},
		{"", "", false},
	} {
		if loader(c.loader).is(c.name) != c.want {
			t.Errorf("%s is %s: not %v", c.loader, c.name, c.want)
		}
	}
}

func TestStringAt(t *testing.T) {
	strings := &elf.Section{ReaderAt: bytes.NewReader([]byte("\x00liba.so\x00libb"))}
	strings.Size = 13
	for offset, want := range map[uint64]string{0: "", 1: "liba.so", 4: "a.so", 9: "error", 13: "error", 14: "error", 1 << 63: "error"} {
		if got, err := stringAt(strings, offset); got != want && err == nil || (err != nil) != (want == "error") {
			t.Errorf("%d: %q, %v", offset, got, err)
		}
	}
	if _, err := stringAt(&elf.Section{SectionHeader: elf.SectionHeader{Size: 9}}, 1); err == nil {
		t.Error("a compressed table has strings")
	}
}

// Files that are no proper ELF files are errors.
func FuzzDynamic(f *testing.F) {
	root := f.TempDir()
	llvmtest.Write(f, root, "a.c", "int b(void); int a(void) { return b(); }")
	for _, more := range []string{"-Wl,-rpath,/x,--disable-new-dtags", "-Wl,--auxiliary=x"} {
		llvmtest.Run(f, root, "clang-22", "-nostdlib", "-fuse-ld=lld", "-shared", "-fPIC", "-s", "a.c", more, "-o", "b.so")
		llvmtest.Run(f, root, "clang-22", "-nostdlib", "-fuse-ld=lld", "-shared", "-fPIC", "-s", "a.c", more, "b.so", "-o", "a.so")
		b, err := os.ReadFile(filepath.Join(root, "a.so"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := elf.NewFile(bytes.NewReader(b))
		if err != nil {
			return
		}
		d, err := dynamicOf(file)
		if err == nil && len(d.needed) > len(b) {
			t.Errorf("%d libraries in %d bytes", len(d.needed), len(b))
		}
	})
}
