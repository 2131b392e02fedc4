// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"testing"

	"github.com/dtlto/dtlto/internal/action"
	"github.com/dtlto/dtlto/internal/thinlto"
)

func TestSaid(t *testing.T) {
	p := &planned{
		job:    &thinlto.Job{Inputs: []string{"dir/a.o", "dir/a.thinlto.bc"}, Outputs: []string{"dir/a.native.o"}},
		names:  map[string]string{"dir/a.o": "01.bc", "lib.1.2F.o": "00.bc", "p.prof": "input0.prof"},
		action: &action.Action{Outputs: []string{"output0.o"}},
		real: func(path string) string {
			if path == "lib.1.2F.o" {
				return "lib.a(m.o at 86)"
			}
			return path
		},
	}
	for text, want := range map[string]string{
		"":                                   "",
		"nothing to replace\n":               "nothing to replace\n",
		"01.bc: warning: 'x' of 00.bc.\n":    "dir/a.o: warning: 'x' of lib.a(m.o at 86).\n",
		"cannot open '00.bc'":                "cannot open 'lib.a(m.o at 86)'",
		"101.bc x00.bc 00.bcx 00.bc.o":       "101.bc x00.bc 00.bcx 00.bc.o",
		"-o output0.o index.thinlto.bc":      "-o dir/a.native.o dir/a.thinlto.bc",
		"input0.prof: no data (input0.prof)": "p.prof: no data (p.prof)",
		"\xff00.bc\xff":                      "\xfflib.a(m.o at 86)\xff",
	} {
		if got := string(p.said([]byte(text))); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	p.action = nil
	if got := string(p.said([]byte("01.bc"))); got != "01.bc" {
		t.Errorf("of a command that is no action: %q", got)
	}
}
