// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/corpus"
	"github.com/dtlto/dtlto/internal/llvmtest"
)

// unrelated is a module that no other refers to, with something of everything that a
// summary usually has.
const unrelated = `
static int calls, odd[] = {1, 3, 5};
static __attribute__((noinline)) int count(int x) { return calls += x < 3 ? odd[x] : x; }
__attribute__((weak)) int unrelated(int x) { return count(x) + count(x + 1); }
`

// TestUnrelatedModule adds a module that nobody refers to, in front of a link and in
// front of its archives, where it moves all members. No other module's action may
// become another one by it, in the second case also though the tree is elsewhere.
func TestUnrelatedModule(t *testing.T) {
	for _, p := range []corpus.Program{corpus.Zstd(), corpus.RE2()} {
		for _, llvm := range versions(t) {
			t.Run(fmt.Sprint(p.Name, " ", llvm), func(t *testing.T) {
				o := built(t, p, llvm, corpus.ThinLTO()...)
				dir := t.TempDir()
				writeFile(t, filepath.Join(dir, "unrelated.c"), unrelated)
				llvmtest.Run(t, dir, fmt.Sprintf("clang-%d", llvm), "-O2", "-flto=thin", "-c", "unrelated.c", "-o", "0.o")
				added := filepath.Join(dir, "0.o")

				tr := scatter(t, llvm, o)
				before := tr.thinLink(t, "-O2", nil, nil)
				tr.inputs = append([]string{added}, tr.inputs...)
				after := tr.thinLink(t, "-O2", nil, nil)
				changed := wantSameActions(t, &before, &after)
				// These count the basic blocks of the link in each shard, and number modules
				// link-wide.
				if llvm < 17 && changed != len(before.modules) {
					t.Errorf("only %d of %d of LLD's shards change", changed, len(before.modules))
				}

				moved := scatter(t, llvm, o, added).thinLink(t, "-O2", nil, nil)
				if wantSameActions(t, &before, &moved) == 0 {
					t.Error("none of LLD's shards changes though archives do")
				}
			})
		}
	}
}

// wantSameActions wants the modules that are in both links to be compiled by the same
// actions, and returns how many shards of theirs LLD made otherwise.
//
// An action may change if it has modules that only an archive's offsets tell apart:
// LLVM imports from them in the order of these, as text.
func wantSameActions(t *testing.T, before, after *thinLink) (changed int) {
	t.Helper()
	others := after.backends(t)
	tied := 0
	for id, b := range before.backends(t) {
		other, ok := others[id]
		if !ok {
			t.Errorf("%s is not in the second link", id)
			continue
		}
		if b.action.Encode().Key != other.action.Encode().Key {
			if before.root != after.root && b.tied() {
				tied++
			} else {
				t.Errorf("%s has another action:\n%s", id, cmp.Diff(b.action.String(), other.action.String()))
			}
		}
		if !bytes.Equal(read(t, b.source.Index), read(t, other.source.Index)) {
			changed++
		}
	}
	if len(others) <= len(before.modules) || tied*4 > len(before.modules) {
		t.Errorf("%d modules, then %d; %d actions let off", len(before.modules), len(others), tied)
	}
	t.Logf("of %d shards LLD makes %d otherwise; %d actions let off", len(before.modules), changed, tied)
	return changed
}

// backends are those of all modules, by what tells the modules apart in whichever
// folder the tree is and whatever else is in the archives.
func (l *thinLink) backends(t *testing.T) map[string]*backend {
	t.Helper()
	all := map[string]*backend{}
	for _, module := range l.modules {
		b, err := l.backendOf(module, "out", byRank)
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprint(withoutOffset(strings.ReplaceAll(module, l.root, "ROOT")), " ", b.source.Modules[0].Digest)
		if all[id] != nil {
			t.Fatalf("%s twice", id)
		}
		all[id] = b
	}
	return all
}

// tied says whether two modules of the action differ in their offsets only.
func (b *backend) tied() bool {
	var paths []string
	for _, m := range b.source.Modules {
		paths = append(paths, withoutOffset(m.Path))
	}
	slices.Sort(paths)
	return len(slices.Compact(paths)) < len(b.source.Modules)
}

var offset = regexp.MustCompile(` at \d+\)$`)

func withoutOffset(module string) string { return offset.ReplaceAllString(module, ")") }
