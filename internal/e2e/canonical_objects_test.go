// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/corpus"
	"github.com/dtlto/dtlto/internal/llvmtest"
)

// versions are the LLVMs that tests of canonical shards run with.
func versions(t *testing.T) (all []int) {
	t.Helper()
	for _, v := range llvmtest.Versions {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// built compiles a program for ThinLTO.
func built(t *testing.T, p corpus.Program, llvm int, flags ...string) corpus.Objects {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: fetches and compiles real libraries")
	}
	for _, tool := range []string{"clang", "ld.lld", "llvm-ar"} {
		llvmtest.Tool(t, fmt.Sprint(tool, "-", llvm))
	}
	cache, err := corpus.DefaultCache()
	if err != nil {
		t.Fatal(err)
	}
	if p.CXX && llvm < 22 { // Clang 14 lacks what Abseil uses of C++20, and all are quicker without it
		flags = append(slices.Clone(flags), "-std=c++17")
	}
	o, err := p.Build(t.Context(), cache, llvm, flags...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestCanonicalObjects compiles every module of real programs twice, as LLD has it
// and as an action: with modules under the names of their ranks and with the shard
// in its canonical form. The objects must be the same, byte for byte.
func TestCanonicalObjects(t *testing.T) {
	for _, p := range []corpus.Program{corpus.Zstd(), corpus.RE2()} {
		for _, llvm := range versions(t) {
			t.Run(fmt.Sprint(p.Name, " ", llvm), func(t *testing.T) {
				o := built(t, p, llvm, corpus.ThinLTO()...)
				l := scatter(t, llvm, o).thinLink(t, "-O2", nil, nil)
				l.wantModules(t, o)
				l.wantSameObjects(t)
			})
		}
	}
}

// wantModules wants all that is ThinLTO bitcode in a program to be in the link.
func (l *thinLink) wantModules(t *testing.T, o corpus.Objects) {
	t.Helper()
	want := 0
	for _, file := range o.FromObjects() {
		contents := read(t, file)
		id, err := bitcode.IdentifyAt(bytes.NewReader(contents), int64(len(contents)))
		if err == nil && id.ThinLTO() {
			want++
		}
	}
	if want < 40 || len(l.modules) != want {
		t.Errorf("the link has %d modules, the program %d", len(l.modules), want)
	}
}

// TestReversedRanks is about the tests here, whether they would see a mistake: the
// order of names is the smallest thing that a backend goes by, and with another one
// it makes another object of a few modules that import from several others.
func TestReversedRanks(t *testing.T) {
	o := built(t, corpus.RE2(), 22, corpus.ThinLTO()...)
	l := scatter(t, 22, o).thinLink(t, "-O2", nil, nil)
	var modules []string
	for _, module := range l.modules {
		b, err := l.backendOf(module, t.TempDir(), byRank)
		if err != nil {
			t.Fatal(err)
		}
		if len(b.source.Modules) > 2 {
			modules = append(modules, module)
		}
	}
	differ := 0
	for _, c := range l.compileAll(t, modules, reversed) {
		if c.inLLDsOrder() == nil {
			t.Fatalf("%s: not reversed", c.source.Modules[0].Path)
		}
		if !c.same {
			differ++
		}
	}
	if differ == 0 {
		t.Error("names in another order change no object")
	}
	t.Logf("%d of %d objects change", differ, len(modules))
}
