// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/lld"
	"github.com/dtlto/dtlto/internal/thinlto"
)

func linkCommand(line string) *lld.Command {
	words := strings.Fields(line)
	return &lld.Command{Words: words, Args: lld.Parse(words), Whole: true}
}

func TestSettingsFromCommand(t *testing.T) {
	for _, tc := range []struct {
		line        string
		distributor string
		want        Settings
		err         string
	}{
		{line: "a.o -o p"},
		{line: "--dtlto-jobs=3 --dtlto-keep-going a.o --dtlto-lld=/x", distributor: "--jobs=3 --keep-going", want: Settings{Jobs: 3, KeepGoing: true, LLD: "/x"}},
		{line: "-dtlto-summary=no", distributor: "--summary=no"},
		{line: "--dtlto-min-free-memory=2G", distributor: "--min-free-memory=2G", want: Settings{MinFreeMemory: 2 << 30}},
		{line: "--dtlto-min-free-memory=0", distributor: "--min-free-memory=0"},
		{line: "--dtlto-input=a --dtlto-input=b", distributor: "--input=a --input=b", want: Settings{Inputs: []string{"a", "b"}}},
		{line: "--dtlto-no-cache --dtlto-cache-dir=/c --dtlto-cache-size=1G --dtlto-copy --dtlto-print-action", distributor: "--no-cache --cache-dir=/c --cache-size=1G --copy --print-action",
			want: Settings{NoCache: true, CacheDir: "/c", CacheSize: 1 << 30, Copy: true, PrintAction: true}},
		{line: "--dtlto-jobs=0", err: "--dtlto-jobs=0: must be a number from 1 to 32767"},
		{line: "--dtlto-jobs", err: "--dtlto-jobs: needs a value, as in --dtlto-jobs=N"},
		{line: "--dtlto-min-free-memory=lots", err: "must be a size"},
		{line: "--dtlto-min-free-memory=99999999999T", err: "must be a size"},
		{line: "--dtlto-summary=perhaps", err: "must be true or false"},
		{line: "--dtlto-frobnicate=1", err: "--dtlto-frobnicate=1: unknown option"},
	} {
		var s Settings
		args, err := s.fromCommand(linkCommand(tc.line))
		switch {
		case tc.err != "":
			if err == nil || !strings.Contains(err.Error(), tc.err) || ExitCode(err) != ExitUsage {
				t.Errorf("%s: error %v, want %q", tc.line, err, tc.err)
			}
		case err != nil:
			t.Errorf("%s: %v", tc.line, err)
		default:
			if got := strings.Join(args, " "); got != tc.distributor {
				t.Errorf("%s: for the distributor %q, want %q", tc.line, got, tc.distributor)
			}
			if diff := cmp.Diff(tc.want, s); diff != "" {
				t.Errorf("%s: %s", tc.line, diff)
			}
		}
	}
}

func TestSettingsFromEnvironment(t *testing.T) {
	variables := map[string]string{"DTLTO_JOBS": "5", "DTLTO_MIN_FREE_MEMORY": "64K", "DTLTO_SUMMARY": "1", "DTLTO_LLD": "l", "DTLTO_KEEP_GOING": ""}
	var s Settings
	if err := s.FromEnvironment(func(name string) string { return variables[name] }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Settings{Jobs: 5, MinFreeMemory: 64 << 10, Summary: true, LLD: "l"}, s); diff != "" {
		t.Error(diff)
	}
	err := s.FromEnvironment(func(string) string { return "many" })
	if err == nil || !strings.HasPrefix(err.Error(), "DTLTO_JOBS=many: must be") || ExitCode(err) != ExitUsage {
		t.Errorf("error %v", err)
	}
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

func TestReport(t *testing.T) {
	t.Chdir(t.TempDir())
	folder, _ := os.Getwd()
	failure := &exec.Failure{Name: "a b.o", Command: []string{"clang", "a b.o"}, Reason: "the compiler exited with 1", Output: []byte("boom")}
	var text strings.Builder
	Report(&text, failure, false)
	want := "dtlto: error: a b.o: backend compile failed: the compiler exited with 1\nboom\n" +
		"dtlto: note: the command was: cd " + folder + " && clang 'a b.o'\n"
	if !strings.HasPrefix(text.String(), want) || !strings.Contains(text.String(), "--save-temps") {
		t.Errorf("got %q, want %q", text.String(), want)
	}
	// With --keep-going all of them, and of a staged link's folder nothing is left.
	text.Reset()
	Report(&text, errors.Join(failure, failure), true)
	if strings.Count(text.String(), want) != 2 || strings.Count(text.String(), "removed with the link") != 2 {
		t.Errorf("two failures: %q", text.String())
	}
	text.Reset()
	Report(&text, errors.New("x: y"), false)
	if text.String() != "dtlto: error: x: y\n" {
		t.Errorf("got %q", text.String())
	}
}
