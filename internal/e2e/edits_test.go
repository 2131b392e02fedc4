// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/dtlto/dtlto/internal/corpus"
	"github.com/dtlto/dtlto/internal/llvmtest"
)

// edit is a change that a programmer makes.
type edit struct {
	name, file string
	old, new   string // nothing old: appended
	long       bool   // with LLVM 14 and 16 only under DTLTO_TEST_LONG
}

// newest says whether a clang is the newest whose links are done natively or in steps.
func newest(clang string) bool { return clang == "clang-22" || clang == "clang-19" }

var edits = []edit{
	{"a comment", "zstd_common.c", "", "\n/* so it is */\n", false},
	{"a static function", "zstd_common.c", "const char* ZSTD_getErrorName(size_t code) {",
		"static size_t same(size_t n) { volatile size_t v = n; return v; }\nconst char* ZSTD_getErrorName(size_t code) { code = same(code);", true},
	{"a function that others may inline", "entropy_common.c", "unsigned FSE_isError(size_t code) { return ERR_isError(code); }",
		"unsigned FSE_isError(size_t code) { volatile size_t c = code; return ERR_isError(c); }", false},
	{"an inline function in a header", "bits.h", "ZSTD_highbit32(U32 val)", "ZSTD_highbit32(U32 val) /* compute the dBit */", true},
	{"the body of an inline function in a header", "mem.h", "MEM_STATIC U32 MEM_swap32(U32 in)\n{",
		"MEM_STATIC U32 MEM_swap32(U32 in)\n{   volatile U32 keep = in; in = keep;", true},
	{"a constant in a header", "zstd_compress_internal.h", "#define kSearchStrength      8", "#define kSearchStrength      9", true},
	{"a new file in the middle of the link", "huf_between.c", "", "int huf_between(int n);\nint huf_between(int n) { return n * 3; }\n", false},
	{"and a call of it", "huf_compress.c", "", "\nint huf_between(int n);\nint huf_calls(int n);\nint huf_calls(int n) { return huf_between(n); }\n", false},
}

// TestEdits edits zstd as a programmer would, and links it after each edit both
// in-process with LLD's own cache and through dtlto, whose cache must never have
// more to compile than LLD's.
func TestEdits(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: compiles a real library several times")
	}
	cache, err := corpus.DefaultCache()
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range llvmtest.Versions {
		t.Run("LLVM "+version, func(t *testing.T) {
			llvm, err := strconv.Atoi(version)
			if err != nil {
				t.Fatal(err)
			}
			objects, err := corpus.Zstd().Build(t.Context(), cache, llvm, corpus.ThinLTO()...)
			if err != nil {
				t.Fatal(err)
			}
			editAll(t, editedZstd(t, objects, "clang-"+version))
		})
	}
}

func editAll(t *testing.T, z *editing) {
	z.compile(z.sources())
	z.link()
	for _, e := range edits {
		if e.long && !newest(z.clang) && os.Getenv(testLong) == "" {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			z.t = t
			z.edit(e)
			lld, ours, all := z.link()
			t.Logf("%d modules; LLD compiles %d, dtlto %d", all, lld, ours)
			if ours > lld {
				t.Errorf("dtlto compiles %d modules, and LLD with its cache %d", ours, lld)
			}
			if again, ours, _ := z.link(); again != 0 || ours != 0 {
				t.Errorf("linked again, LLD compiles %d and dtlto %d", again, ours)
			}
		})
	}
}

// editing is a library that is being edited.
type editing struct {
	t        *testing.T
	clang    string
	dir      string
	main     string
	lldCache string
	ourCache string
	before   int // entries in LLD's cache
}

func editedZstd(t *testing.T, objects corpus.Objects, clang string) *editing {
	dir := t.TempDir()
	z := &editing{t: t, clang: clang, dir: dir, main: objects.Main, lldCache: filepath.Join(dir, "lld"), ourCache: filepath.Join(dir, "ours")}
	source := filepath.Join(filepath.Dir(filepath.Dir(objects.Dir)), "src")
	for _, pattern := range []string{"*.c", "*.h"} {
		files, err := filepath.Glob(filepath.Join(source, pattern))
		if err != nil || len(files) < 20 {
			t.Fatalf("%s: %d files, %v", source, len(files), err)
		}
		for _, file := range files {
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), read(t, file), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return z
}

func (z *editing) sources() []string {
	files, err := filepath.Glob(filepath.Join(z.dir, "*.c"))
	if err != nil {
		z.t.Fatal(err)
	}
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	return files
}

func (z *editing) compile(sources []string) {
	z.t.Helper()
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for _, source := range sources {
		group.Go(func() error {
			cmd := exec.Command(z.clang, "-O2", "-flto=thin", "-DZSTD_DISABLE_ASM", "-DZSTD_LEGACY_SUPPORT=4", "-DZSTD_MULTITHREAD=1", "-w", "-I.", "-c", source)
			cmd.Dir = z.dir
			if said, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("%s: %w\n%s", source, err, said)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		z.t.Fatal(err)
	}
}

func (z *editing) edit(e edit) {
	z.t.Helper()
	path := filepath.Join(z.dir, e.file)
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		z.t.Fatal(err)
	}
	edited := string(text) + e.new
	if e.old != "" {
		edited = strings.Replace(string(text), e.old, e.new, 1)
	}
	if edited == string(text) {
		z.t.Fatalf("%s does not have %q", e.file, e.old)
	}
	if err := os.WriteFile(path, []byte(edited), 0o600); err != nil {
		z.t.Fatal(err)
	}
	if strings.HasSuffix(e.file, ".h") {
		z.compile(z.sources())
	} else {
		z.compile([]string{e.file})
	}
}

// link links both ways and says how many modules each compiled, of how many.
func (z *editing) link() (lld, ours, all int) {
	z.t.Helper()
	args := []string{"-O2", "-flto=thin", "-o", "program", z.main}
	for _, source := range z.sources() {
		args = append(args, strings.TrimSuffix(source, ".c")+".o")
	}
	run := func(flags ...string) string {
		z.t.Helper()
		cmd := exec.Command(z.clang, slices.Concat(args, flags)...)
		cmd.Dir = z.dir
		said, err := cmd.CombinedOutput()
		if err != nil {
			z.t.Fatalf("%v\n%s", err, said)
		}
		return string(said)
	}
	run("-fuse-ld=lld", "-Wl,--thinlto-cache-dir="+z.lldCache)
	want := output(z.t, filepath.Join(z.dir, "program"))
	entries, err := filepath.Glob(filepath.Join(z.lldCache, "llvmcache-*"))
	if err != nil {
		z.t.Fatal(err)
	}
	lld, z.before = len(entries)-z.before, len(entries)
	said := run("-fuse-ld=dtlto", "-Wl,--dtlto-summary,--dtlto-cache-dir="+z.ourCache)
	m := regexp.MustCompile(`dtlto: (\d+) jobs?, \d+ cached, (\d+) compiled`).FindStringSubmatch(said)
	if m == nil {
		z.t.Fatalf("no summary: %s", said)
	}
	all, _ = strconv.Atoi(m[1])
	ours, _ = strconv.Atoi(m[2])
	if got := output(z.t, filepath.Join(z.dir, "program")); string(got) != string(want) {
		z.t.Errorf("through dtlto the program prints\n%s\nin-process\n%s", got, want)
	}
	return lld, ours, all
}
