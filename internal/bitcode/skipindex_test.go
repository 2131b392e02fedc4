// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// lazyModule leaves in folder a module m.bc that a thin link of it and main.bc does not
// extract.
func lazyModule(t *testing.T, folder, major string) {
	t.Helper()
	llvmtest.Write(t, folder, "m.c", "int v; int f(void) { return v; } __attribute__((constructor)) static void c(void) { v = 1; }", "main.c", "int _start(void) { return 0; }")
	for _, name := range []string{"m", "main"} {
		llvmtest.Run(t, folder, llvmtest.Tool(t, "clang-"+major), "-O2", "-flto=thin", "-c", name+".c", "-o", name+".bc")
	}
}

// Every clang makes of our shard, and of its own LLD's, an object that has nothing in it.
func TestSkipIndex(t *testing.T) {
	for _, n := range Tried {
		major := strconv.Itoa(n)
		t.Run(major, func(t *testing.T) {
			folder := t.TempDir()
			lazyModule(t, folder, major)
			llvmtest.Write(t, folder, "ours", string(SkipIndex()))
			llvmtest.Run(t, folder, llvmtest.Tool(t, "ld.lld-"+major), "--thinlto-index-only=list", "main.bc", "--start-lib", "m.bc", "--end-lib")
			var sizes []int64
			for _, shard := range []string{"ours", "m.bc.thinlto.bc"} {
				content, err := os.ReadFile(filepath.Join(folder, shard))
				if err != nil || !IsSkipIndex(content) {
					t.Errorf("%s: %v, or not seen to say skip", shard, err)
				}
				if paths, err := IndexModules(content); err != nil || len(paths) != 0 {
					t.Errorf("%s: names %q, %v", shard, paths, err)
				}
				llvmtest.Run(t, folder, llvmtest.Tool(t, "clang-"+major), "-O2", "-c", "-x", "ir", "-fthinlto-index="+shard, "m.bc", "-o", shard+".o")
				sizes = append(sizes, emptyObject(t, filepath.Join(folder, shard+".o")))
			}
			if sizes[0] != sizes[1] {
				t.Errorf("object of %d bytes, with LLD's own shard of %d", sizes[0], sizes[1])
			}
			if main, err := os.ReadFile(filepath.Join(folder, "main.bc.thinlto.bc")); err != nil || IsSkipIndex(main) {
				t.Errorf("a used module's shard says skip, or %v", err)
			}
		})
	}
}

// emptyObject checks that a file is an ELF that defines nothing and runs nothing, and
// returns its size.
func emptyObject(t *testing.T, path string) int64 {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	symbols = slices.DeleteFunc(symbols, func(s elf.Symbol) bool { return elf.ST_TYPE(s.Info) == elf.STT_FILE })
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) || len(symbols) > 0 || f.Section(".init_array") != nil {
		t.Errorf("%s: symbols %v, %v", path, symbols, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// The skip shard is its own canonical form's meaning: it can be read and canonicalised.
func TestSkipIndexIsCanonical(t *testing.T) {
	shard, err := Canonicalise(SkipIndex(), func(string) (string, bool) { return "", false }, Options{})
	if err != nil || shard.Form != Canonical || !IsSkipIndex(shard.Data) {
		t.Errorf("%v, %v", shard.Form, err)
	}
}

func TestIsSkipIndexOfOtherThings(t *testing.T) {
	whole := SkipIndex()
	for n := range len(whole) {
		IsSkipIndex(whole[:n]) // no panic
		damaged := slices.Clone(whole)
		damaged[n] ^= 0xff
		IsSkipIndex(damaged)
	}
	for _, s := range []string{"", "BC\xc0\xde", "\x7fELF", string(whole[:len(whole)/2])} {
		if IsSkipIndex([]byte(s)) {
			t.Errorf("%q says skip", s)
		}
	}
}
