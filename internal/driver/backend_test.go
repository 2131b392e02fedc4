// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// Whose an index is shows in its name only where that fits a module that it names.
func TestCheckOwn(t *testing.T) {
	for _, tc := range []struct{ index, module, modules, want string }{
		{"obj/b.o.thinlto.bc", "thin/b.o", "thin/b.o thin/c.o", ""},
		{"obj/b.o.thinlto.bc", "thin/c.o", "thin/b.o thin/c.o", "is an index of thin/b.o, not of thin/c.o"},
		{"obj/b.o.thinlto.bc", "thin/d.o", "thin/b.o", "is an index of thin/b.o, not of thin/d.o"},
		{"obj/b.o.thinlto.bc", "./thin/b.o", "thin/b.o", "is an index of thin/b.o, not of ./thin/b.o"},
		{"obj/b.o.thinlto.bc", "y/b.o", "x/b.o y/b.o", ""},
		{"some.index", "thin/c.o", "thin/b.o thin/c.o", ""},
		{"some.index", "thin/d.o", "thin/b.o thin/c.o", "names 2 modules, but not thin/d.o"},
		{"some.index", "thin/d.o", "", "names 0 modules, but not thin/d.o"},
		{"obj/l.a.d/m.o.thinlto.bc", "obj/l.a.d/m.o.bc", "obj/l.a.d/m.o.bc thin/m.o", ""},
		{"obj/thin/m.o.thinlto.bc", "thin/m.o", "obj/l.a.d/m.o.bc thin/m.o", ""},
	} {
		e := edge{Compile: &thinlto.Compile{Index: tc.index, Module: tc.module}}
		err := e.checkOwn(strings.Fields(tc.modules))
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s of %s, naming %s: %v, want %q", tc.index, tc.module, tc.modules, err, tc.want)
		}
	}
}

// The user's own command has nothing that a linker would have removed.
func TestReportOwnCommand(t *testing.T) {
	for _, tc := range []struct {
		command []string
		lines   int
	}{{nil, 1}, {[]string{"clang", "-c"}, 2}} {
		var said bytes.Buffer
		err := error(&ownCommand{&exec.Failure{Name: "b.o", Reason: "why", Command: tc.command}})
		PrintError(&said, err, false)
		if strings.Count(said.String(), "\n") != tc.lines || strings.Contains(said.String(), "save-temps") || ExitCode(err) != ExitCompile {
			t.Errorf("%d: %s", ExitCode(err), &said)
		}
	}
	if err := (&ownCommand{&UsageError{errors.New("x")}}); ExitCode(err) != ExitUsage {
		t.Error("no error of usage any more")
	}
}
