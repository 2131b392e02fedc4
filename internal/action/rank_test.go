// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package action

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNames(t *testing.T) {
	for _, tc := range []struct {
		name    string
		output  string
		modules []string // in the order that they must rank
	}{
		{"paths bytewise", "p", []string{"../z.o", "/abs/b.o", "a.o", "b.o", "b/a.o", "ba.o"}},
		{"members without pid", "out/p", []string{"out/liba.a(x.o at 9000).7.B32.o", "out/libb.a(a.o at 80).2.B32.o", "out/libb.a(b.o at 68).3.B32.o", "z.o"}},
		{"offsets break ties as text", "p", []string{"l.a(m.o at 1000).2.B32.o", "l.a(m.o at 80).1.B32.o", "l.a(n.o at 5).9.B32.o"}},
		{"fat objects", "p", []string{"a.o.10.B32.o", "b.o.2.B32.o"}},
		{"another process's", "p", []string{"a.o.10.B33.o", "a.o.9.B33.o"}},
		{"equal but for the sequence", "p", []string{"l.a(m.o at 8).1.B32.o", "l.a(m.o at 8).2.B32.o"}},
		{"odd", "p", []string{"", ".B32.o", "a at 5)", "a.x.B32.o", "l.a(m.o at )"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := map[string]string{}
			for rank, module := range tc.modules {
				want[module] = string([]byte{'0', byte('0' + rank), '.', 'b', 'c'})
			}
			reversed := make([]string, 0, len(tc.modules))
			for i := len(tc.modules) - 1; i >= 0; i-- {
				reversed = append(reversed, tc.modules[i])
			}
			if diff := cmp.Diff(want, Names(reversed, tc.output, 0xB32)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// With more than a hundred modules, names must still sort as ranks do.
func TestNamesAreWideEnough(t *testing.T) {
	var modules []string
	for i := range 1001 {
		modules = append(modules, string([]byte{'a' + byte(i/100%26), 'a' + byte(i/10%10), 'a' + byte(i%10), byte('0' + i/1000)}))
	}
	names := Names(modules, "p", 1)
	if len(names) != len(modules) {
		t.Fatalf("%d names for %d modules", len(names), len(modules))
	}
	for _, name := range names {
		if len(name) != len("0000.bc") {
			t.Fatalf("name %q", name)
		}
	}
}
