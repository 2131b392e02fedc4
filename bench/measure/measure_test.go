// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package measure

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTakeTurns(t *testing.T) {
	var order []string
	var ways []*Way
	for _, name := range []string{"a", "b", "c"} {
		ways = append(ways, &Way{Name: name, Do: func(context.Context) (Cost, error) {
			order = append(order, name)
			return Cost{Wall: time.Duration(len(order)), Memory: int64(10 - len(order))}, nil
		}})
	}
	var rounds []int
	before := func(round int) error { rounds = append(rounds, round); return nil }
	if err := TakeTurns(t.Context(), 3, ways, before); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, ""); got != "abcbcacababc" {
		t.Errorf("the order is %s", got)
	}
	if !slices.Equal(rounds, []int{0, 1, 2, 3}) {
		t.Errorf("rounds before which it was called: %v", rounds)
	}
	// a was called as number 6, 8 and 10, not counting the first round.
	if ways[0].Wall() != 8 || ways[0].Memory() != 4 {
		t.Errorf("median %d, most memory %d, want 8 and 4", ways[0].Wall(), ways[0].Memory())
	}
}

func TestTask(t *testing.T) {
	task, err := Task("libx.a(m.o at 86).2.A52.2.2642.native.o")
	if task != "2" || err != nil {
		t.Errorf("task %q, %v", task, err)
	}
	if _, err := Task("x.native.o"); err == nil {
		t.Error("no error for a name without a task")
	}
}

func TestRunSaysWhatWasPrinted(t *testing.T) {
	_, said, err := Run(t.Context(), "/", []string{"sh", "-c", "pwd; echo bad >&2; exit 3"})
	if said != "/\nbad\n" || err == nil || !strings.Contains(err.Error(), "bad") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("%q, %v", said, err)
	}
}
