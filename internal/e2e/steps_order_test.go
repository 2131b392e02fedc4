// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"testing"
)

// TestStepsOrder is the trap of final links in another order. use.o takes second.o, which
// has a pick of its own, so that main.o, which comes later, does not take first.o.
// The old way has all objects of modules in front: there main.o takes first.o.
func TestStepsOrder(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		s.bitcode("main.o", hidden+"int pick(void); int only(void) { return 7; } int main(void) { return pick() + only() - 7; }")
		s.native("use.o", hidden+"int helper(void); int use(void) { return helper(); }",
			"first.o", hidden+`int pick(void) { puts("first"); return 0; }`,
			"calls.o", hidden+`int only(void); int pick(void) { puts("calls"); return only() - 7; }`,
			"second.o", hidden+`int helper(void) { return 0; } __attribute__((weak)) int pick(void) { puts("second"); return 0; }`)
		for _, tt := range []struct{ name, lazy, lines, failure string }{
			{"another lazy object is picked", "first.o", "first\nexit status 0\n", ""},
			{"undefined symbol", "calls.o", "", "undefined symbol: only"},
		} {
			s.sub(tt.name, func(s *staging) {
				natives := []string{"use.o", "-Wl,--start-lib", tt.lazy, "second.o", "-Wl,--end-lib"}
				inputs := with(natives, "main.o", "-o", "OUT/program")
				m := s.sameSteps([]string{"exit status 0", "second"}, inputs...)
				if s.remaps() { // LLD alone gets the order right
					plain := s.finalStep(mapLLD, m.file, inputs...)
					wantLines(s.t, s.run(plain.file("program")), "second", "exit status 0")
				}
				for _, l := range []linker{plainLLD, mapDTLTO} { // ld.dtlto does as it is told
					s.reordered(l, natives, inputs, tt.lines, tt.failure)
				}
			})
		}
	})
}

// reordered links the old way.
func (s *staging) reordered(l linker, natives, inputs []string, lines, failure string) {
	s.t.Helper()
	out := s.fresh()
	s.mustTry(l, with(inputs, "-Wl,--thinlto-index-only="+out+"/params", "-Wl,--thinlto-prefix-replace=;"+out+"/")...)
	s.wantFile(out+"/params", out+"/main.o\n")
	s.backendByHand("main.o", out+"/main.o.thinlto.bc", out+"/main.o")
	p, err := s.try(l, with([]string{"@" + out + "/params"}, with(natives, "-o", "OUT/program")...)...)
	if failure != "" {
		if err == nil {
			s.t.Fatalf("%s: the final link succeeds", l.flag)
		}
		wantErrorLine(s.t, p.said, failure)
		return
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if got := s.run(p.file("program")); got != lines {
		s.t.Errorf("%s: the program prints %q, and did so far %q: is the trap gone?", l.flag, got, lines)
	}
}

// mustTry is try for what must succeed, distributed or not.
func (s *staging) mustTry(l linker, args ...string) product {
	s.t.Helper()
	p, err := s.try(l, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}
