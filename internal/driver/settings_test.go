// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/lld"
	"github.com/dtlto/dtlto/internal/thinlto"
)

func linkCommand(line string) *lld.Command {
	words := strings.Fields(line)
	return &lld.Command{Words: words, Args: lld.Parse(words), Whole: true}
}

func TestJobsOf(t *testing.T) {
	for line, want := range map[string]string{
		"a.o": "", "--threads=3": "3", "--threads 3 --thinlto-jobs=5": "5", "-plugin-opt=jobs=2": "2",
		"--thinlto-jobs=all": "", "--thinlto-jobs=0": "", "--threads=x": "",
	} {
		if got, ok := jobsOf(linkCommand(line)); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestExitCode(t *testing.T) {
	failure := &exec.Failure{Name: "m"}
	for _, tc := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{failure, 1},
		{errors.Join(failure, errors.New("x")), 1},
		{&UsageError{errors.New("x")}, 2},
		{&thinlto.JobFileError{File: "f", Err: errors.New("x")}, 2},
		{fmt.Errorf("wrapped: %w", os.ErrPermission), 3},
		{&Interrupted{os.Interrupt}, 130},
		{context.Canceled, 130},
	} {
		if got := ExitCode(tc.err); got != tc.want {
			t.Errorf("%v: %d, want %d", tc.err, got, tc.want)
		}
	}
}

func TestProgramNames(t *testing.T) {
	for name, want := range map[string]bool{"/x/ld.dtlto": true, "ld.dtlto-1": true, "dtlto": false, "/ld.dtlto/dtlto": false, "": false} {
		if got := IsLinkerName(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for line, want := range map[string]bool{"distribute --jobs=2 p.12.dist-file.json": true, "p.12.dist-file.json": true,
		"distribute": false, "distribute a.o": false, "": false, "p.json": false} {
		if got := IsDistributorCall(strings.Fields(line)); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}

func TestPrintError(t *testing.T) {
	t.Chdir(t.TempDir())
	folder, _ := os.Getwd()
	failure := &exec.Failure{Name: "a b.o", Command: []string{"clang", "a b.o"}, Reason: "the compiler exited with 1", Output: []byte("boom")}
	var text strings.Builder
	PrintError(&text, failure, false)
	want := "dtlto: error: a b.o: backend compile failed: the compiler exited with 1\nboom\n" +
		"dtlto: note: the command was: cd " + folder + " && clang 'a b.o'\n"
	if !strings.HasPrefix(text.String(), want) || !strings.Contains(text.String(), "--save-temps") {
		t.Errorf("got %q, want %q", text.String(), want)
	}
	// With --keep-going all of them, and of a staged link's folder nothing is left.
	text.Reset()
	PrintError(&text, errors.Join(failure, failure), true)
	if strings.Count(text.String(), want) != 2 || strings.Count(text.String(), "removed with the link") != 2 {
		t.Errorf("two failures: %q", text.String())
	}
	text.Reset()
	PrintError(&text, errors.New("x: y"), false)
	if text.String() != "dtlto: error: x: y\n" {
		t.Errorf("got %q", text.String())
	}
}
