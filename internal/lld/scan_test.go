// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// scanFolder makes inputs of every kind in a folder, which becomes the
// working directory.
func scanFolder(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	t.Chdir(folder)
	llvmtest.Write(t, folder, "m.c", "int f(void) { return 1; }", "empty.o", "", "text.txt", "hello (world", "broken.a", "!<arch>\nnonsense")
	clang := func(args ...string) { llvmtest.Run(t, folder, "clang-22", append([]string{"-c", "m.c"}, args...)...) }
	clang("-o", "native.o")
	clang("-flto=thin", "-o", "thin.o")
	clang("-flto=full", "-o", "full.o")
	clang("-flto=thin", "-ffat-lto-objects", "-o", "fat.o")
	clang("-flto=thin", "-funified-lto", "-o", "unified.o")
	llvmtest.Run(t, folder, "clang-19", "-c", "-flto=thin", "m.c", "-o", "thin19.o")
	llvmtest.Write(t, folder, "lib/.keep", "", "sys/root/lib/.keep", "")
	ar := func(args ...string) { llvmtest.Run(t, folder, "llvm-ar-22", args...) }
	ar("rc", "lib/libnative.a", "native.o")
	ar("rc", "lib/libthin.a", "native.o", "thin.o")
	ar("rc", "lib/libfat.a", "fat.o")
	ar("rc", "--thin", "thinarchive.a", "native.o", "thin19.o")
	ar("rc", "sys/root/lib/libsys.a", "thin.o")
	llvmtest.Run(t, folder, "ld.lld-22", "-shared", "native.o", "-o", "lib/libthin.so")
	llvmtest.Write(t, folder, "script.ld", "/* INPUT(thin.o) */ GROUP ( native.o AS_NEEDED ( -lthin ) )",
		"include.ld", "INCLUDE lib/inner.ld", "lib/inner.ld", "INPUT(thin.o)", "plain.ld", "INPUT(native.o, \"lib/libnative.a\")", "self.ld", "INPUT(self.ld)", "sys/root/lib/libs.so", "INPUT(/lib/libsys.a)")
}

func TestFindThinLTO(t *testing.T) {
	scanFolder(t)
	for _, tc := range []struct {
		line string
		want Found
	}{
		{"native.o full.o empty.o text.txt missing.o broken.a .", Found{}},
		{"native.o thin.o", Found{ThinLTO: true, File: "thin.o", Major: 22}},
		{"thin19.o thin.o", Found{ThinLTO: true, File: "thin19.o", Major: 19}},
		{"lib/libnative.a lib/libthin.a", Found{ThinLTO: true, File: "lib/libthin.a", Major: 22}},
		{"thinarchive.a", Found{ThinLTO: true, File: "thin19.o", Major: 19}},
		{"fat.o lib/libfat.a", Found{}},
		{"--fat-lto-objects fat.o", Found{ThinLTO: true, File: "fat.o", Major: 22}},
		{"--fat-lto-objects --no-fat-lto-objects fat.o", Found{}},
		{"--fat-lto-objects lib/libfat.a", Found{ThinLTO: true, File: "lib/libfat.a", Major: 22}},
		{"-Llib -lthin", Found{}}, // the shared library comes first
		{"-Llib -Bstatic -lthin", Found{ThinLTO: true, File: "lib/libthin.a", Major: 22}},
		{"-Llib -static -Bdynamic -lthin", Found{}},
		{"-Llib -n -lthin", Found{ThinLTO: true, File: "lib/libthin.a", Major: 22}},
		{"-Llib --omagic -lthin", Found{ThinLTO: true, File: "lib/libthin.a", Major: 22}},
		{"include.ld", Found{ThinLTO: true, File: "thin.o", Major: 22}},
		{"-dT include.ld", Found{ThinLTO: true, File: "thin.o", Major: 22}},
		{"-Llib --push-state -Bstatic --pop-state -lthin", Found{}},
		{"-Llib -l:libthin.a", Found{ThinLTO: true, File: "lib/libthin.a", Major: 22}},
		{"-lmissing -Llib -lnative", Found{}},
		{"-Llib -Bstatic script.ld", Found{}}, // a script's -l looks for shared ones
		{"--sysroot=sys/root -L=/lib -lsys", Found{ThinLTO: true, File: "sys/root/lib/libsys.a", Major: 22}},
		{"--sysroot=sys/root -L=/lib -ls", Found{ThinLTO: true, File: "sys/root/lib/libsys.a", Major: 22}},
		{"plain.ld self.ld", Found{}},
		{"-T script.ld -Lsys", Found{}},
		{"--format=binary thin.o --format=elf native.o", Found{}},
		{"unified.o", Found{ThinLTO: true, File: "unified.o", Major: 22}},
		{"--lto=full unified.o", Found{}},
		{"-o thin.o -soname thin.o -T plain.ld native.o", Found{}},
	} {
		got := command(tc.line).FindThinLTO()
		if (got.Triple == "x86_64-pc-linux-gnu") != tc.want.ThinLTO {
			t.Errorf("%s: triple %q", tc.line, got.Triple)
		}
		if got.Triple = ""; got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.line, got, tc.want)
		}
	}
}

func TestNewestProducer(t *testing.T) {
	scanFolder(t)
	for line, want := range map[string]int{"native.o": 0, "thin19.o thin.o": 22, "thin.o thin19.o": 22, "thinarchive.a": 19,
		"thinarchive.a lib/libthin.a": 22} {
		if got := command(line).NewestProducer(); got != want {
			t.Errorf("%s: %d, want %d", line, got, want)
		}
	}
}

func TestScriptInputs(t *testing.T) {
	for _, tc := range []struct {
		text string
		want []string // includes in angle brackets, AS_NEEDED with "?", "+" for other commands
	}{
		{"INCLUDE a.ld INPUT(b INCLUDE) INCLUDE \"c d\"", []string{"<a.ld>", "<c d>", "b", "INCLUDE"}},
		{"X(INPUT(a AS_NEEDED(b)) c) d", []string{"a", "b?", "+"}},
		{"INPUT(a.o b.o,c.o)", []string{"a.o", "b.o", "c.o"}},
		{"GROUP(a.a AS_NEEDED(b.so -lc) d)", []string{"a.a", "b.so?", "-lc?", "d"}},
		{"OUTPUT_FORMAT(elf64-x86-64) GROUP ( /lib/libc.so.6 AS_NEEDED ( /lib/ld.so ) )", []string{"/lib/libc.so.6", "/lib/ld.so?"}},
		{"INPUT(a) ENTRY(b)", []string{"a", "+"}}, {"x = 1; INPUT(a)", []string{"a", "+"}},
		{`INPUT ( "with blank.o" )`, []string{"with blank.o"}},
		{"/* INPUT(x) */ OUTPUT_FORMAT(elf64) SECTIONS { .text : { *(.text) } }", []string{"+"}},
		{"INPUT(a", []string{"a"}},
		{"INPUT(\"a", []string{"a"}},
		{") ) INPUT(a) GROUP", []string{"a"}},
		{"", nil},
	} {
		script := readScript(tc.text)
		var got []string
		for _, name := range script.includes {
			got = append(got, "<"+name+">")
		}
		for _, named := range script.names {
			name := named.name
			if named.asNeeded {
				name += "?"
			}
			got = append(got, name)
		}
		if script.other {
			got = append(got, "+")
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%q: %q, want %q", tc.text, got, tc.want)
		}
	}
}

func FuzzScriptInputs(f *testing.F) {
	f.Add("/* x */ INPUT(a \"b c\") GROUP(AS_NEEDED(-lc))")
	f.Fuzz(func(t *testing.T, text string) {
		script := readScript(text)
		names := script.includes
		for _, named := range script.names {
			names = append(names, named.name)
		}
		for _, name := range names {
			if !strings.Contains(text, name) {
				t.Errorf("%q is not in %q", name, text)
			}
		}
	})
}

func TestObstacle(t *testing.T) {
	scanFolder(t)
	folder := "."
	llvmtest.Run(t, folder, "cp", "thin.o", "dünn.o")
	llvmtest.Run(t, folder, "cp", "native.o", "eigen-ö.o")
	llvmtest.Run(t, folder, "mkdir", "ordner-ö")
	llvmtest.Run(t, folder, "cp", "thin.o", "ordner-ö/thin.o")
	llvmtest.Run(t, folder, "cp", "lib/libthin.a", "ordner-ö/libthin.a")
	llvmtest.Run(t, folder, "llvm-ar-22", "rc", "libmembers.a", "thin.o", "eigen-ö.o")
	llvmtest.Run(t, folder, "llvm-ar-22", "rc", "libbad.a", "thin.o", "dünn.o")
	llvmtest.Run(t, folder, "llvm-ar-22", "rc", "--thin", "thinbad.a", "thin.o", "dünn.o")
	llvmtest.Run(t, folder, "llvm-ar-22", "rc", "größe.a", "thin.o")
	llvmtest.Write(t, folder, "archive.ld", "INPUT(lib/libthin.a)", "object.ld", "INPUT(thin.o)", "native.ld", "GROUP(lib/libnative.a)",
		"nested.ld", "INPUT(archive.ld)", "lib/beside.ld", "GROUP(libthin.a)", "include-beside.ld", "INCLUDE lib/beside.ld", "lib/object.ld", "INPUT(thin.o)")
	for _, tc := range []struct{ line, want string }{
		{"thin.o lib/libthin.a thinarchive.a full.o missing.o broken.a", ""},
		{"dünn.o", "dünn.o is not ASCII"},
		{"thin.o eigen-ö.o", ""},
		{"ordner-ö/thin.o", "ordner-ö/thin.o is not ASCII"},
		{"ordner-ö/libthin.a", ""},
		{"-Lordner-ö -Bstatic -lthin", ""},
		{"größe.a", "größe.a(thin.o) is not ASCII"},
		{"libmembers.a", ""},
		{"libbad.a", "libbad.a(dünn.o) is not ASCII"},
		{"thinbad.a", "dünn.o is not ASCII"},
		{"-o ordner-ö/p thin.o", "ordner-ö is not ASCII"},
		{"-o p-ö thin.o", ""},
		{"object.ld native.ld self.ld ./native.ld", ""},
		{"archive.ld nested.ld lib/object.ld", ""},
		{"lib/libthin.a ./archive.ld", "./lib/libthin.a is an archive"},
		{"./nested.ld", "./lib/libthin.a is an archive"}, // whose script LLD finds in the folder, as ./archive.ld
		{"lib/beside.ld", "lib/libthin.a is an archive that a linker script in its folder names"},
		{"-Llib -l:beside.ld", "lib/libthin.a is an archive"},
		{"-L. -l:archive.ld", "./lib/libthin.a is an archive"},
		{"include-beside.ld", "lib/libthin.a is an archive"},
		{"-dT lib/beside.ld thin.o", "lib/libthin.a is an archive"},
		{"-T lib/beside.ld thin.o", "lib/libthin.a is an archive"},
	} {
		got := ""
		if err := command(tc.line).Obstacle(); err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, tc.want) || tc.want == "" && got != "" {
			t.Errorf("%s: %q, want %q", tc.line, got, tc.want)
		}
	}
}
