// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package toolchain

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/llvmtest"
)

// portable makes a Portable of a program.
func portable(t testing.TB, program string) (Portable, error) {
	t.Helper()
	identity, err := Identify(program)
	if err != nil {
		t.Fatal(err)
	}
	return MakePortable(program, identity)
}

// place puts the files of a compiler into a folder, as a worker does.
func place(t testing.TB, p Portable, folder string) {
	t.Helper()
	for _, f := range p.Files {
		to := filepath.Join(folder, f.Name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if cas.DigestOf(data) != f.Digest {
			t.Errorf("%s: has not the digest %s", f.Path, f.Digest)
		}
		mode := os.FileMode(0o444)
		if f.Executable {
			mode = 0o555
		}
		if err := os.WriteFile(to, data, mode); err != nil {
			t.Fatal(err)
		}
	}
}

func names(p Portable) (names []string) {
	for _, f := range p.Files {
		names = append(names, f.Name)
	}
	return names
}

func TestPortableCompilers(t *testing.T) {
	RememberIn(t.TempDir())
	defer RememberIn("")
	for _, version := range llvmtest.Versions {
		p, err := portable(t, llvmtest.Tool(t, "clang-"+version))
		if err != nil {
			t.Fatal(err)
		}
		all := names(p)
		for _, want := range []string{"bin/clang", "lib/libc.so.6", "lib/libstdc++.so.6", "lib/" + string(p.loader)} {
			if !slices.Contains(all, want) {
				t.Errorf("clang %s: no %s in %q", version, want, all)
			}
		}
		if !slices.IsSorted(all) || len(slices.Compact(all)) != len(p.Files) {
			t.Errorf("clang %s: not sorted, or twice: %q", version, all)
		}
		executable := 0
		for _, f := range p.Files {
			if f.Executable {
				executable++
			}
		}
		if executable != 2 {
			t.Errorf("clang %s: %d files are executable", version, executable)
		}
		size := int64(0)
		for _, f := range p.Files {
			size += f.Digest.Size
		}
		t.Logf("clang %s: %d files, %.1f MB", version, len(p.Files), float64(size)/1e6)
	}
}

func TestPortableCommand(t *testing.T) {
	for _, c := range []struct {
		p    Portable
		want string
	}{
		{Portable{}, "toolchain/bin/clang"},
		{
			Portable{loader: "ld-linux-aarch64.so.1"},
			"toolchain/lib/ld-linux-aarch64.so.1 --library-path toolchain/lib --inhibit-cache toolchain/bin/clang",
		},
		{
			Portable{loader: "ld-linux-x86-64.so.2", rpaths: []string{"lib/liba.so"}},
			"toolchain/lib/ld-linux-x86-64.so.2 --library-path toolchain/lib --inhibit-cache --inhibit-rpath :toolchain/lib/liba.so toolchain/bin/clang",
		},
		{
			Portable{loader: "ld-musl-x86_64.so.1", rpaths: []string{"lib/liba.so"}},
			"toolchain/lib/ld-musl-x86_64.so.1 --library-path toolchain/lib toolchain/bin/clang",
		},
	} {
		if got := strings.Join(c.p.Command("toolchain"), " "); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// What one compiler is called differs between machines, what is sent does not.
func TestPortableIsCalledClang(t *testing.T) {
	root := t.TempDir()
	RememberIn(root)
	defer RememberIn("")
	clang := llvmtest.Tool(t, "clang-22")
	first, err := portable(t, clang)
	if err != nil {
		t.Fatal(err)
	}
	for name, ok := range map[string]bool{"clang++": true, "x86_64-linux-gnu-clang-22": true, "clang-cl": false, "clang-cl-22": false} {
		link := filepath.Join(root, name)
		if err := os.Symlink(clang, link); err != nil {
			t.Fatal(err)
		}
		p, err := portable(t, link)
		if ok != (err == nil) || ok && !slices.Equal(p.Files, first.Files) {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
}

func TestIdentityFiles(t *testing.T) {
	digest := strings.Repeat("0f", 32)
	good := digest + "\t12 3 4 5 6 7\t/lib/a\tb\n"
	files, err := Identity{parts: good + good}.files()
	if err != nil || len(files) != 2 || files[1].Path != "/lib/a\tb" || files[1].Digest.String() != digest+"/12" {
		t.Errorf("%v, %v", files, err)
	}
	for _, bad := range []string{
		"", "\n", "x\n", digest + "\t12 3\n", digest[2:] + "\t12 3\t/a\n", digest + "0f\t12 3\t/a\n", "g" + digest[1:] + "\t12 3\t/a\n",
		digest + "\tx 3\t/a\n", digest + "\t-1 3\t/a\n", good + "\n",
	} {
		if files, err := (Identity{parts: bad}).files(); err == nil {
			t.Errorf("%q: %v", bad, files)
		}
	}
}

// A compiler that is being upgraded is not sent as the one that was identified.
func TestPortableIsCurrent(t *testing.T) {
	root := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
	llvmtest.Write(t, root, "main.c", "int main(void) { return 0; }")
	llvmtest.Run(t, root, "clang-22", "main.c", "-o", "program")
	identity, err := Identify(filepath.Join(root, "program"))
	if err != nil {
		t.Fatal(err)
	}
	llvmtest.Run(t, root, "clang-22", "-O2", "main.c", "-o", "program")
	_, err = MakePortable(filepath.Join(root, "program"), identity)
	if err == nil || !strings.HasSuffix(err.Error(), "program: cannot be sent to other machines: it changes while it is being read") {
		t.Error(err)
	}
}

func BenchmarkMakePortable(b *testing.B) {
	clang := llvmtest.Tool(b, "clang-22")
	identity, err := Identify(clang)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := MakePortable(clang, identity); err != nil {
			b.Fatal(err)
		}
	}
}
