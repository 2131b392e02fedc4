// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package exec

import (
	"context"
	"errors"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// shell makes compiles whose compiler is a shell script: real processes
// without LLVM's cost. $1 is the object to make.
func shell(folder string, scripts ...string) []Compile {
	var compiles []Compile
	for i, script := range scripts {
		object := filepath.Join(folder, "o"+strconv.Itoa(i)+".o")
		compiles = append(compiles, Compile{
			Name:    "m" + strconv.Itoa(i),
			Args:    []string{"/bin/sh", "-c", script, "compiler", object},
			Outputs: []string{object},
		})
	}
	return compiles
}

// onlyFiles checks what a folder has in it, hidden files too.
func onlyFiles(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the folder has %q, want %q", got, want)
	}
}

func TestRunMakesObjects(t *testing.T) {
	folder := t.TempDir()
	compiles := shell(folder, `echo warning >&2; echo one > "$1"`, `echo two > "$1"`)
	var heard []string
	l := Local{Slots: 2, Done: func(r Result) { heard = append(heard, r.Compile.Name+":"+string(r.Output)) }}
	if err := l.Run(t.Context(), compiles); err != nil {
		t.Fatal(err)
	}
	onlyFiles(t, folder, "o0.o", "o1.o")
	if text, _ := os.ReadFile(filepath.Join(folder, "o0.o")); string(text) != "one\n" {
		t.Errorf("the object has %q", text)
	}
	if len(heard) != 2 || !strings.Contains(strings.Join(heard, ""), "m0:warning\n") {
		t.Errorf("heard %q", heard)
	}
}

func TestFailures(t *testing.T) {
	for _, tc := range []struct{ name, script, reason string }{
		{"exit code", `echo bad >&2; exit 7`, "the compiler exited with 7"},
		{"crash", `kill -SEGV $$`, "signal 11"},
		{"killed", `kill -KILL $$`, "signal 9, killed (out of memory?)"},
		{"no object", `true`, "made no object"},
		{"empty object", `: > "$1"`, "the object is empty"},
		{"half an object", `echo half > "$1"; exit 1`, "the compiler exited with 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			folder := t.TempDir()
			l := Local{Slots: 1}
			err := l.Run(t.Context(), shell(folder, tc.script))
			var failure *Failure
			if !errors.As(err, &failure) || !strings.Contains(err.Error(), tc.reason) || !strings.HasPrefix(err.Error(), "m0: ") {
				t.Fatalf("error %v, want %q of m0", err, tc.reason)
			}
			onlyFiles(t, folder)
			if tc.name == "exit code" && string(failure.Output) != "bad\n" {
				t.Errorf("output %q", failure.Output)
			}
		})
	}
}

// An object that was there before stays when its compile fails.
func TestFailureLeavesOldOutput(t *testing.T) {
	folder := t.TempDir()
	compiles := shell(folder, `echo new > "$1"; exit 1`)
	if err := os.WriteFile(compiles[0].Outputs[0], []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&Local{Slots: 1}).Run(t.Context(), compiles); err == nil {
		t.Fatal("no error")
	}
	if text, _ := os.ReadFile(compiles[0].Outputs[0]); string(text) != "old" {
		t.Errorf("the object has %q", text)
	}
}

// The first failure ends what runs and starts nothing more.
func TestFailureStopsTheRest(t *testing.T) {
	folder := t.TempDir()
	pid := filepath.Join(folder, "pid")
	compiles := shell(folder,
		`echo $$ > `+pid+`.new; mv `+pid+`.new `+pid+`; sleep 600`,
		`while ! [ -e `+pid+` ]; do sleep 0.01; done; exit 1`,
		`echo never > "$1"`)
	err := (&Local{Slots: 2}).Run(t.Context(), compiles)
	var failure *Failure
	if !errors.As(err, &failure) || strings.Contains(err.Error(), "\n") || failure.Compile.Name != "m1" {
		t.Fatalf("error %v, want m1's alone", err)
	}
	gone(t, pid)
	onlyFiles(t, folder, "pid")
}

// gone checks that the process whose number a file has is no more.
func gone(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is still there: %v", pid, err)
	}
}

func TestKeepGoing(t *testing.T) {
	folder := t.TempDir()
	compiles := shell(folder, `exit 1`, `echo x > "$1"`, `exit 2`)
	err := (&Local{Slots: 1, KeepGoing: true}).Run(t.Context(), compiles)
	if err == nil || !strings.Contains(err.Error(), "m0: ") || !strings.Contains(err.Error(), "m2: ") {
		t.Errorf("error %v, want m0's and m2's", err)
	}
	onlyFiles(t, folder, "o1.o")
}

// Ending the context ends compilers and what they started, also those that
// ignore being asked, and leaves nothing.
func TestInterrupt(t *testing.T) {
	folder := t.TempDir()
	pids := filepath.Join(folder, "pids")
	if err := os.Mkdir(pids, 0o755); err != nil {
		t.Fatal(err)
	}
	note := `echo $$ > ` + pids + `/$$; echo half > "$1"; `
	compiles := shell(folder,
		note+`(sh -c 'trap "" TERM; echo $$ > `+pids+`/$$; while true; do sleep 0.1; done') & wait`,
		note+`trap "" TERM; while true; do sleep 0.1; done`)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the user had enough")
	go func() {
		for {
			if entries, _ := os.ReadDir(pids); len(entries) == 3 {
				cancel(cause)
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if err := (&Local{Slots: 2}).Run(ctx, compiles); !errors.Is(err, cause) {
		t.Errorf("error %v, want the cause", err)
	}
	entries, _ := os.ReadDir(pids)
	for _, e := range entries {
		waitGone(t, filepath.Join(pids, e.Name()))
	}
	onlyFiles(t, folder, "pids")
}

// waitGone allows for a killed grandchild to be reaped by init.
func waitGone(t *testing.T, file string) {
	t.Helper()
	text, _ := os.ReadFile(file)
	pid := strings.TrimSpace(string(text))
	for range 500 {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %s is still there", pid)
}

func TestHeaviestFirst(t *testing.T) {
	folder := t.TempDir()
	order := filepath.Join(folder, "order")
	compiles := shell(folder, `echo 0 >> `+order+`; echo > "$1"`, `echo 1 >> `+order+`; echo > "$1"`, `echo 2 >> `+order+`; echo > "$1"`)
	compiles[1].Weight, compiles[2].Weight = 10, 5
	if err := (&Local{Slots: 1}).Run(t.Context(), compiles); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(order); string(text) != "1\n2\n0\n" {
		t.Errorf("order %q", text)
	}
}

// With less memory free than the floor, compiles run one after the other, but
// they run.
func TestMemoryFloor(t *testing.T) {
	folder := t.TempDir()
	lock := filepath.Join(folder, "lock")
	alone := `mkdir ` + lock + ` || exit 9; sleep 0.02; rmdir ` + lock + `; echo > "$1"`
	compiles := shell(folder, alone, alone, alone, alone)
	l := Local{Slots: 4, MemoryFloor: 1 << 62}
	if err := l.Run(t.Context(), compiles); err != nil {
		t.Errorf("compiles ran beside each other: %v", err)
	}
	if l.MostRunning != 1 || l.HeldBack == 0 {
		t.Errorf("at most %d ran, %d were held back", l.MostRunning, l.HeldBack)
	}
}

func TestSlots(t *testing.T) {
	folder := t.TempDir()
	var mu sync.Mutex
	most := 0
	script := `mkdir ` + folder + `/r; echo > ` + folder + `/r/$$; ls ` + folder + `/r | wc -l; sleep 0.02; rm ` + folder + `/r/$$; echo > "$1"`
	l := Local{Slots: 2, Done: func(r Result) {
		mu.Lock()
		defer mu.Unlock()
		for word := range strings.FieldsSeq(string(r.Output)) {
			if n, err := strconv.Atoi(word); err == nil {
				most = max(most, n)
			}
		}
	}}
	if err := l.Run(t.Context(), shell(folder, script, script, script, script, script, script)); err != nil {
		t.Fatal(err)
	}
	if most < 1 || most > 2 || l.MostRunning < most || l.MostRunning > 2 || l.HeldBack != 0 {
		t.Errorf("%d ran at once; said are %d, and %d held back", most, l.MostRunning, l.HeldBack)
	}
}

func TestCompilerCannotRun(t *testing.T) {
	folder := t.TempDir()
	for _, compiler := range []string{folder + "/missing", folder, "no-such-compiler-anywhere"} {
		c := Compile{Name: "m", Args: []string{compiler, folder + "/o"}, Outputs: []string{folder + "/o"}}
		err := (&Local{Slots: 1}).Run(t.Context(), []Compile{c, c})
		if err == nil || errors.As(err, new(*Failure)) || !strings.Contains(err.Error(), compiler) ||
			strings.Count(err.Error(), "cannot be run") != 1 {
			t.Errorf("%s: error %v", compiler, err)
		}
	}
	onlyFiles(t, folder)
}

func TestOutputFolderMissing(t *testing.T) {
	compiles := shell(filepath.Join(t.TempDir(), "missing"), `echo > "$1"`)
	err := (&Local{Slots: 1}).Run(t.Context(), compiles)
	if err == nil || errors.As(err, new(*Failure)) || !strings.Contains(err.Error(), "missing") {
		t.Errorf("error %v", err)
	}
}

func TestLimitedOutput(t *testing.T) {
	folder := t.TempDir()
	err := (&Local{Slots: 1}).Run(t.Context(), shell(folder, `head -c 3000000 /dev/zero; exit 1`))
	var failure *Failure
	if !errors.As(err, &failure) {
		t.Fatalf("error %v", err)
	}
	if n := len(failure.Output); n < maxOutput || n > maxOutput+100 || !strings.Contains(string(failure.Output[maxOutput:]), "1951424 more bytes") {
		t.Errorf("%d bytes kept, ending %q", n, failure.Output[maxOutput:])
	}
}

func TestRedirect(t *testing.T) {
	got := redirect([]string{"clang", "a.o", "-o", "out.o", "-foo=out.o", "x=out.o", "out.oo", "d.dwo"}, []string{"out.o", "d.dwo"}, []string{"t/1.o", "t/2.dwo"})
	want := "clang a.o -o t/1.o -foo=t/1.o x=out.o out.oo t/2.dwo"
	if strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCommandLine(t *testing.T) {
	got := CommandLine([]string{"clang", "a b", "it's", "", "-o=x", "$HOME", "ü"})
	want := `clang 'a b' 'it'\''s' '' -o=x '$HOME' 'ü'`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What a compiler leaves running ends with it, also when all went well.
func TestLeftBehind(t *testing.T) {
	folder := t.TempDir()
	pid := filepath.Join(folder, "pid")
	compiles := shell(folder, `(echo > "$1"; sh -c 'echo $$ > `+pid+`.new; mv `+pid+`.new `+pid+`; sleep 600') & `+
		`while ! [ -e `+pid+` ]; do sleep 0.01; done`)
	if err := (&Local{Slots: 1}).Run(t.Context(), compiles); err != nil {
		t.Fatal(err)
	}
	waitGone(t, pid)
}

// Each compile's words stay its own, though a worker's compiles share a file.
func TestMessagesAreNotMixed(t *testing.T) {
	folder := t.TempDir()
	said := map[string]string{}
	l := Local{Slots: 1, Done: func(r Result) { said[r.Compile.Name] = string(r.Output) }}
	compiles := shell(folder, `echo a long first message; echo > "$1"`, `echo > "$1"`, `echo third; echo > "$1"`)
	if err := l.Run(t.Context(), compiles); err != nil {
		t.Fatal(err)
	}
	if said["m0"] != "a long first message\n" || said["m1"] != "" || said["m2"] != "third\n" {
		t.Errorf("heard %q", said)
	}
}

// What keeps compiles from running ends a run that keeps going as well.
func TestKeepGoingStopsAtInfrastructure(t *testing.T) {
	folder := t.TempDir()
	compiles := shell(folder, `echo > "$1"`, `echo > "$1"`)
	compiles[0].Outputs[0], compiles[0].Weight = filepath.Join(folder, "missing", "o.o"), 1
	err := (&Local{Slots: 1, KeepGoing: true}).Run(t.Context(), compiles)
	if err == nil || errors.As(err, new(*Failure)) {
		t.Errorf("error %v", err)
	}
	onlyFiles(t, folder)
}

func TestEnvironment(t *testing.T) {
	folder := t.TempDir()
	var said string
	l := Local{Slots: 1, Env: []string{"ONLY=this"}, Done: func(r Result) { said = string(r.Output) }}
	if err := l.Run(t.Context(), shell(folder, `echo "$ONLY$HOME"; echo > "$1"`)); err != nil || said != "this\n" {
		t.Errorf("said %q, %v", said, err)
	}
}

// Compilers die with a dtlto that is killed, which needs the thread that
// started them to live as long as it.
func TestKilled(t *testing.T) {
	if folder := os.Getenv("DTLTO_TEST_KILLED"); folder != "" {
		_ = (&Local{Slots: 2}).Run(t.Context(), shell(folder,
			`echo $$ > `+folder+`/pid0; exec sleep 600`, `echo $$ > `+folder+`/pid1; exec sleep 600`))
		return
	}
	folder := t.TempDir()
	cmd := osexec.Command(os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), "DTLTO_TEST_KILLED="+folder)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pid0", "pid1"} {
		for {
			if text, err := os.ReadFile(filepath.Join(folder, name)); err == nil && strings.HasSuffix(string(text), "\n") {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	waitGone(t, filepath.Join(folder, "pid0"))
	waitGone(t, filepath.Join(folder, "pid1"))
}
