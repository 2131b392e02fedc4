// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestStepsAgain does a thin link again, as a build system does when one of its inputs has
// changed: files that are what they were must keep their times, or all backends run again.
func TestStepsAgain(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		losing(s)
		s.bitcode("leaf.o", "int other(void) { return 5; }", "far.o", "int other(void); int far(void) { return other() + 1; }")
		inputs := []string{"main.o", "root.o", "libmixed.a", "far.o", "leaf.o", "-Wl,--undefined=far"}
		s.thinStep("obj", inputs...)
		s.lldIndexes(inputs)
		s.wantChanged("nothing has changed", inputs, nil)

		// A module of its own; what imports from it must see it, and others must not.
		s.bitcode("leaf.o", "int other(void) { volatile int n = 5; while (n > 1) n--; return n; }")
		s.wantChanged("leaf.o", inputs, []string{"far.o.thinlto.bc", "leaf.o.thinlto.bc"})

		// A member that grows moves those behind it in the archive, which keep their names.
		s.bitcode("unused.o", hidden+`int unused(void) { return 3; } int more(void) { return 4; } CONSTRUCTOR { puts("another"); }`)
		s.archive("libnew.a", "unused.o", "native.o", "inlined.o", "unusednative.o", "never.o")
		if err := os.Rename(s.path("libnew.a"), s.path("libmixed.a")); err != nil {
			s.t.Fatal(err)
		}
		s.wantChanged("unused.o in the archive", inputs, []string{"libmixed.a.d/unused.o.bc"})

		// One more import, and a module that is used now.
		s.bitcode("main.o", hidden+`int api(void); int unused(void); int main(void) { puts("main"); return api() + unused(); }`)
		s.wantChanged("main.o", inputs, []string{"libmixed.a", "libmixed.a.d/unused.o.thinlto.bc", "main.o.imports", "main.o.thinlto.bc"})
	})
}

// wantChanged does the thin link again and wants these files to have new times, and the map.
// Where LLVM's own index files all change because one does, LLD must show it.
func (s *staging) wantChanged(what string, inputs, want []string) {
	s.t.Helper()
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	before := s.files("obj")
	for name := range before {
		if err := os.Chtimes(s.path("obj/"+name), old, old); err != nil {
			s.t.Fatal(err)
		}
	}
	s.thinStep("obj", inputs...)
	after := s.files("obj")
	var changed []string
	for name, text := range after {
		info, err := os.Stat(s.path("obj/" + name))
		if err != nil {
			s.t.Fatal(err)
		}
		if !info.ModTime().Equal(old) {
			changed = append(changed, name)
		} else if before[name] != text {
			s.t.Errorf("%s: %s has changed and keeps its time", what, name)
		}
	}
	slices.Sort(changed)
	if want := slices.Sorted(slices.Values(with(want, "exe.map"))); !slices.Equal(changed, want) {
		s.t.Errorf("%s: %q have new times, want %q", what, changed, want)
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			s.t.Errorf("%s: %s is gone", what, name)
		}
	}
	all, other := s.lldIndexes(inputs)
	if basicBlocks := s.llvm < 17 && slices.Contains(want, "far.o.thinlto.bc"); basicBlocks && other != all {
		s.t.Errorf("%s: of LLD's own %d index files %d have changed: is the count of basic blocks gone?", what, all, other)
	}
}

// lldIndexes makes LLD's own index files, of which so many are other than the last ones.
func (s *staging) lldIndexes(inputs []string) (all, other int) {
	s.t.Helper()
	before := map[string]string{}
	if _, err := os.Stat(s.path("own")); err == nil {
		before = s.files("own")
	}
	s.mustTry(plainLLD, with(inputs, "-Wl,--thinlto-index-only=params", "-Wl,--thinlto-prefix-replace=;own/", "-o", "OUT/program")...)
	for name, text := range s.files("own") {
		if !strings.HasSuffix(name, ".thinlto.bc") || strings.Contains(name, "unused") {
			continue // an index that says to skip the module counts nothing
		}
		all++
		if before[name] != text {
			other++
		}
	}
	return all, other
}

// TestStepsLess leaves an input away: what was made for it is not in the map any more.
func TestStepsLess(t *testing.T) {
	s := newStaging(t, 19)
	losing(s)
	inputs := []string{"main.o", "root.o", "libmixed.a"}
	s.bitcode("extra.o", "int extra;")
	before := s.thinStep("obj", with(inputs, "extra.o")...)
	after := s.thinStep("obj", inputs...)
	delete(before.entries, "extra.o")
	if !maps.Equal(after.entries, before.entries) || len(after.jobs) != len(before.jobs)-1 {
		t.Errorf("the map has %q with %d jobs, want %q", after.lines, len(after.jobs), before.lines)
	}
}
