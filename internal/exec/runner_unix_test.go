// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package exec

import (
	"context"
	"errors"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// said is what compiles printed, by name.
type said struct {
	mu   sync.Mutex
	text map[string]string
}

// shell makes compiles whose compiler is a shell script: real processes
// without LLVM's cost. They are called m0, m1 and so on.
func shell(scripts ...string) []Compile { return new(said).shell(scripts...) }

// shell makes compiles like the function does, and keeps what they print.
func (s *said) shell(scripts ...string) []Compile {
	s.text = map[string]string{}
	var compiles []Compile
	for i, script := range scripts {
		name := "m" + strconv.Itoa(i)
		compiles = append(compiles, Compile{Do: func(ctx context.Context, slot Slot) error {
			ran, err := slot.Run(ctx, Command{Path: "/bin/sh", Args: []string{"sh", "-c", script}})
			if err == nil && ran.Failure != "" {
				err = &Failure{Name: name, Reason: ran.Failure, Output: ran.Output}
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.text[name] += string(ran.Output)
			return err
		}})
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

func TestRun(t *testing.T) {
	folder := t.TempDir()
	var heard said
	compiles := heard.shell(`echo warning >&2; echo one > `+folder+`/o0`, `echo two > `+folder+`/o1`)
	if err := (&Runner{Slots: 2}).Run(t.Context(), queue(compiles...)); err != nil {
		t.Fatal(err)
	}
	onlyFiles(t, folder, "o0", "o1")
	if heard.text["m0"] != "warning\n" || heard.text["m1"] != "" {
		t.Errorf("heard %q", heard.text)
	}
}

func TestFailures(t *testing.T) {
	for _, tc := range []struct{ name, script, reason string }{
		{"exit code", `echo bad >&2; exit 7`, "the compiler exited with 7"},
		{"crash", `kill -SEGV $$`, "signal 11"},
		{"killed", `kill -KILL $$`, "signal 9, killed (out of memory?)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := (&Runner{Slots: 1}).Run(t.Context(), queue(shell(tc.script)...))
			var failure *Failure
			if !errors.As(err, &failure) || !strings.Contains(err.Error(), tc.reason) || !strings.HasPrefix(err.Error(), "m0: ") {
				t.Fatalf("error %v, want %q of m0", err, tc.reason)
			}
			if tc.name == "exit code" && string(failure.Output) != "bad\n" {
				t.Errorf("output %q", failure.Output)
			}
		})
	}
}

// A command runs where it is told to, with the environment that it is given.
func TestFolderAndEnvironment(t *testing.T) {
	folder, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var ran Ran
	c := Compile{Do: func(ctx context.Context, slot Slot) (err error) {
		ran, err = slot.Run(ctx, Command{Path: "/bin/sh", Args: []string{"sh", "-c", `pwd; echo "$ONLY$HOME"`}, Dir: folder, Env: []string{"ONLY=this"}})
		return err
	}}
	if err := (&Runner{Slots: 1}).Run(t.Context(), queue(c)); err != nil || string(ran.Output) != folder+"\nthis\n" {
		t.Errorf("said %q, %v", ran.Output, err)
	}
	if ran.Wall <= 0 || ran.CPU < 0 || ran.CPU > ran.Wall+time.Second {
		t.Errorf("took %v, processor time %v", ran.Wall, ran.CPU)
	}
}

// What a command needed at most is known, also of what it started itself.
func TestPeakMemory(t *testing.T) {
	for _, script := range []string{"exec dd if=/dev/zero of=/dev/null bs=64M count=1", "dd if=/dev/zero of=/dev/null bs=64M count=1; true"} {
		var ran Ran
		c := Compile{Do: func(ctx context.Context, slot Slot) (err error) {
			ran, err = slot.Run(ctx, Command{Path: "/bin/sh", Args: []string{"sh", "-c", script}})
			return err
		}}
		if err := (&Runner{Slots: 1}).Run(t.Context(), queue(c)); err != nil || ran.Memory < 64<<20 || ran.Memory > 96<<20 {
			t.Errorf("%s: %d bytes, %v", script, ran.Memory, err)
		}
	}
}

// The first failure ends what runs and starts nothing more.
func TestFailureStopsTheRest(t *testing.T) {
	folder := t.TempDir()
	pid := filepath.Join(folder, "pid")
	compiles := shell(
		`echo $$ > `+pid+`.new; mv `+pid+`.new `+pid+`; sleep 600`,
		`while ! [ -e `+pid+` ]; do sleep 0.01; done; exit 1`,
		`echo never > `+folder+`/never`)
	err := (&Runner{Slots: 2}).Run(t.Context(), queue(compiles...))
	var failure *Failure
	if !errors.As(err, &failure) || strings.Contains(err.Error(), "\n") || failure.Name != "m1" {
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
	compiles := shell(`exit 1`, `echo x > `+folder+`/o1`, `exit 2`)
	err := (&Runner{Slots: 1, KeepGoing: true}).Run(t.Context(), queue(compiles...))
	if err == nil || !strings.Contains(err.Error(), "m0: ") || !strings.Contains(err.Error(), "m2: ") {
		t.Errorf("error %v, want m0's and m2's", err)
	}
	onlyFiles(t, folder, "o1")
}

// Ending the context ends compilers and what they started, also those that
// ignore being asked, and leaves nothing.
func TestInterrupt(t *testing.T) {
	folder := t.TempDir()
	pids := filepath.Join(folder, "pids")
	if err := os.Mkdir(pids, 0o755); err != nil {
		t.Fatal(err)
	}
	note := `echo $$ > ` + pids + `/$$; `
	compiles := shell(
		note+`(sh -c 'trap "" TERM; echo $$ > `+pids+`/$$; while true; do sleep 0.1; done') & wait`,
		note+`trap "" TERM; while true; do sleep 0.1; done`)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the user had enough")
	go func() {
		for {
			if written(pids) == 3 {
				cancel(cause)
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if err := (&Runner{Slots: 2}).Run(ctx, queue(compiles...)); !errors.Is(err, cause) {
		t.Errorf("error %v, want the cause", err)
	}
	entries, _ := os.ReadDir(pids)
	for _, e := range entries {
		waitGone(t, filepath.Join(pids, e.Name()))
	}
	onlyFiles(t, folder, "pids")
}

// written is how many files in a folder have something in them.
func written(folder string) (n int) {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Size() > 0 {
			n++
		}
	}
	return n
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
	compiles := shell(`echo 0 >> `+order+``, `echo 1 >> `+order+``, `echo 2 >> `+order+``)
	compiles[1].Weight, compiles[2].Weight = 10, 5
	if err := (&Runner{Slots: 1}).Run(t.Context(), queue(compiles...)); err != nil {
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
	alone := `mkdir ` + lock + ` || exit 9; sleep 0.02; rmdir ` + lock + ``
	compiles := shell(alone, alone, alone, alone)
	l := Runner{Slots: 4, MemoryFloor: 1 << 62}
	if err := l.Run(t.Context(), queue(compiles...)); err != nil {
		t.Errorf("compiles ran beside each other: %v", err)
	}
	if l.MostRunning != 1 || l.HeldBack == 0 {
		t.Errorf("at most %d ran, %d were held back", l.MostRunning, l.HeldBack)
	}
}

func TestSlots(t *testing.T) {
	folder := t.TempDir()
	script := `mkdir -p ` + folder + `/r; echo > ` + folder + `/r/$$; ls ` + folder + `/r | wc -l; sleep 0.02; rm ` + folder + `/r/$$`
	var heard said
	l := Runner{Slots: 2}
	if err := l.Run(t.Context(), queue(heard.shell(script, script, script, script, script, script)...)); err != nil {
		t.Fatal(err)
	}
	most := 0
	for _, text := range heard.text {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, n)
	}
	if most < 1 || most > 2 || l.MostRunning < most || l.MostRunning > 2 || l.HeldBack != 0 {
		t.Errorf("%d ran at once; said are %d, and %d held back", most, l.MostRunning, l.HeldBack)
	}
}

func TestFindCompiler(t *testing.T) {
	folder := t.TempDir()
	for _, compiler := range []string{folder + "/missing", folder, "no-such-compiler-anywhere"} {
		_, err := FindCompiler(compiler)
		if err == nil || errors.As(err, new(*Failure)) || !strings.Contains(err.Error(), compiler) ||
			strings.Count(err.Error(), "cannot be run") != 1 {
			t.Errorf("%s: error %v", compiler, err)
		}
	}
	if path, err := FindCompiler("sh"); err != nil || !filepath.IsAbs(path) {
		t.Errorf("sh: %s, %v", path, err)
	}
}

func TestCannotStart(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	c := Compile{Do: func(ctx context.Context, slot Slot) error {
		_, err := slot.Run(ctx, Command{Path: missing, Args: []string{missing}})
		return err
	}}
	err := (&Runner{Slots: 1}).Run(t.Context(), queue(c, c))
	if err == nil || errors.As(err, new(*Failure)) || !strings.Contains(err.Error(), missing) {
		t.Errorf("error %v", err)
	}
}

func TestLimitedOutput(t *testing.T) {
	err := (&Runner{Slots: 1}).Run(t.Context(), queue(shell(`head -c 3000000 /dev/zero; exit 1`)...))
	var failure *Failure
	if !errors.As(err, &failure) {
		t.Fatalf("error %v", err)
	}
	if n := len(failure.Output); n < maxOutput || n > maxOutput+100 || !strings.Contains(string(failure.Output[maxOutput:]), "1951424 more bytes") {
		t.Errorf("%d bytes kept, ending %q", n, failure.Output[maxOutput:])
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
	compiles := shell(`(sh -c 'echo $$ > ` + pid + `.new; mv ` + pid + `.new ` + pid + `; sleep 600') & ` +
		`while ! [ -e ` + pid + ` ]; do sleep 0.01; done`)
	if err := (&Runner{Slots: 1}).Run(t.Context(), queue(compiles...)); err != nil {
		t.Fatal(err)
	}
	waitGone(t, pid)
}

// Each compile's words stay its own, though a worker's compiles share a file.
func TestMessagesAreNotMixed(t *testing.T) {
	var heard said
	if err := (&Runner{Slots: 1}).Run(t.Context(), queue(heard.shell(`echo a long first message`, `true`, `echo third`)...)); err != nil {
		t.Fatal(err)
	}
	if heard.text["m0"] != "a long first message\n" || heard.text["m1"] != "" || heard.text["m2"] != "third\n" {
		t.Errorf("heard %q", heard.text)
	}
}

// What keeps compiles from running ends a run that keeps going as well.
func TestKeepGoingStopsAtInfrastructure(t *testing.T) {
	folder := t.TempDir()
	compiles := shell(`true`, `echo > `+folder+`/o1`)
	broken := errors.New("no disk")
	compiles[0] = Compile{Weight: 1, Do: func(context.Context, Slot) error { return broken }}
	err := (&Runner{Slots: 1, KeepGoing: true}).Run(t.Context(), queue(compiles...))
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	onlyFiles(t, folder)
}

// Compilers die with a dtlto that is killed, which needs the thread that
// started them to live as long as it.
func TestKilled(t *testing.T) {
	if folder := os.Getenv("DTLTO_TEST_KILLED"); folder != "" {
		_ = (&Runner{Slots: 2}).Run(t.Context(), queue(shell(
			`echo $$ > `+folder+`/pid0; exec sleep 600`, `echo $$ > `+folder+`/pid1; exec sleep 600`)...))
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

// Compiles may be added while others run: the heaviest of those that are there
// when a slot is free is next, and nobody ends before the queue is closed.
func TestQueueWhileRunning(t *testing.T) {
	var q Queue
	var order []int
	compile := func(weight int64, do func()) Compile {
		return Compile{Weight: weight, Do: func(context.Context, Slot) error {
			order = append(order, int(weight)) // one slot: one at a time
			do()
			return nil
		}}
	}
	nothing := func() {}
	q.Add(compile(5, func() {
		q.Add(compile(1, nothing))
		q.Add(compile(3, func() {
			time.AfterFunc(10*time.Millisecond, func() { // while the worker waits
				q.Add(compile(7, nothing))
				q.Close()
			})
		}))
		q.Add(compile(2, nothing))
	}))
	if err := (&Runner{Slots: 1}).Run(t.Context(), &q); err != nil || !slices.Equal(order, []int{5, 3, 2, 1, 7}) {
		t.Errorf("order %v, %v", order, err)
	}
	// A queue that nobody closes does not keep a run from being ended.
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	time.AfterFunc(10*time.Millisecond, func() { cancel(cause) })
	if err := (&Runner{Slots: 2}).Run(ctx, new(Queue)); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
}
