// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// fakeObject is native code as far as a link's inputs are looked at.
var fakeObject = "\x7fELF" + strings.Repeat("\x00", 60)

// A file may be given several times, lazily and not. What is loaded as often as it must be
// leaves nothing.
func TestRecallNamedAgain(t *testing.T) {
	t.Chdir(t.TempDir())
	llvmtest.Write(t, ".", "a.o", fakeObject, "b.o", fakeObject)
	for _, tc := range []struct {
		line, loaded string
		rests        int
		why          string
	}{
		{"b.o a.o", "b.o a.o", 0, ""},
		{"b.o a.o", "b.o", 0, "a.o is not among the files"},
		{"b.o a.o a.o", "b.o a.o", 0, "a.o is not among the files"},
		{"b.o a.o", "b.o a.o a.o", 0, "does not name it"},
		{"b.o --start-lib a.o --end-lib", "b.o", 1, ""},
		{"b.o --start-lib a.o a.o --end-lib", "b.o", 1, ""},
		{"b.o --start-lib a.o a.o --end-lib", "b.o a.o", 0, ""},
		{"b.o a.o --start-lib a.o --end-lib", "b.o a.o", 0, ""},
		{"b.o --start-lib a.o --end-lib a.o", "b.o a.o", 0, ""},
		{"b.o --start-lib a.o --end-lib a.o", "b.o a.o a.o", 0, ""},
		{"b.o --start-lib a.o --end-lib a.o", "b.o", 0, "a.o is not among the files"},
		{"b.o --start-lib a.o --end-lib a.o a.o", "b.o a.o", 0, "a.o is not among the files"},
	} {
		var records []Recorded
		for file := range strings.FieldsSeq(tc.loaded) {
			records = append(records, Recorded{File: file})
		}
		load, err := command(tc.line).Recall(records)
		if tc.why != "" || err != nil {
			if tc.why == "" || !refuses(err) || !strings.Contains(err.Error(), tc.why) {
				t.Errorf("%s: %s: error %v, want %q", tc.line, tc.loaded, err, tc.why)
			}
			continue
		}
		if len(load.Rests) != tc.rests {
			t.Errorf("%s: %s: leaves %v", tc.line, tc.loaded, load.Rests)
		}
	}
}

// What options there are is asked of each input of a link: that must not take longer the
// more inputs there are.
func TestOptionsAmongInputs(t *testing.T) {
	ask := func(inputs int) time.Duration {
		c := ReadCommand(append([]string{"--fat-lto-objects"}, slices.Repeat([]string{"a.o"}, inputs)...))
		fastest := time.Hour
		for range 3 {
			start := time.Now()
			for range 20_000 {
				if _, ok := c.Last("thinlto-object-suffix-replace"); ok || !c.Enabled("fat-lto-objects") {
					t.Fatal("options are not what they are")
				}
			}
			fastest = min(fastest, time.Since(start))
		}
		return fastest
	}
	if few, many := ask(100), ask(10_000); many > 20*few {
		t.Errorf("%v with 100 inputs, %v with 10,000", few, many)
	}
}

// BenchmarkRecall is a final link's look at n objects: it must take n times as long as
// at one.
func BenchmarkRecall(b *testing.B) {
	for _, n := range []int{2500, 5000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.Chdir(b.TempDir())
			args, records := []string{"-o", "out"}, []Recorded(nil)
			for i := range n {
				name := fmt.Sprintf("%d.o", i)
				if err := os.WriteFile(name, []byte(fakeObject), 0o600); err != nil {
					b.Fatal(err)
				}
				args, records = append(args, name), append(records, Recorded{File: name})
			}
			for b.Loop() {
				load, err := ReadCommand(args).Recall(records)
				if err == nil {
					_, err = load.FinalLink("/r", "", SideOutputs{})
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
