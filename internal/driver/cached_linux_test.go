// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/llvmtest"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// The modules and index shards here are real ones. The compiler is this test
// program under another name, since a real one cannot be made to fail, to be
// slow or to count; it is an ELF program, so that its results are kept.
const compilerUnderTest = "test-clang"

func TestMain(m *testing.M) {
	if self, _ := os.Readlink("/proc/self/exe"); filepath.Base(self) == compilerUnderTest {
		// The race detector's exit sleeps for a second.
		_, _, _ = syscall.RawSyscall(syscall.SYS_EXIT_GROUP, uintptr(compileUnderTest(self)), 0, 0)
	}
	os.Exit(m.Run())
}

// compileUnderTest notes each run in the file "runs" beside its program, does what
// the file "behaviour" there says, and makes an object of its arguments and its
// module.
func compileUnderTest(self string) int {
	if slices.Contains(os.Args, "-###") {
		fmt.Fprintf(os.Stderr, " %q %q\n", self, "-cc1")
		return 0
	}
	beside := filepath.Dir(self)
	var module, object string
	for i, arg := range os.Args {
		if strings.HasPrefix(arg, "-fthinlto-index=") {
			module = os.Args[i-1]
		}
		if i > 0 && os.Args[i-1] == "-o" {
			object = arg
		}
	}
	real, _ := filepath.EvalSymlinks(module)
	runs, err := os.OpenFile(filepath.Join(beside, "runs"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 9
	}
	fmt.Fprintln(runs, filepath.Base(real))
	_ = runs.Close()
	text, _ := os.ReadFile(module)
	behaviour, _ := os.ReadFile(filepath.Join(beside, "behaviour"))
	switch string(behaviour) {
	case "fail":
		fmt.Println(module + ": cannot be compiled")
		return 1
	case "empty":
		text = nil
	case "upgrade": // as a package manager would, at this moment
		_ = os.WriteFile(self+".new", append(read(self), "upgraded"...), 0o700)
		_ = os.Rename(self+".new", self)
	case "edit": // as a user would whose editor saves at this moment
		_ = os.WriteFile(real, append(text, 0), 0o600)
	case "wordy":
		fmt.Print(strings.Repeat("a warning\n", 30000))
	case "slow on b":
		if filepath.Base(real) == "b.o" {
			time.Sleep(100 * time.Millisecond)
		}
	case "warn":
		folder, _ := os.Getwd()
		fmt.Println(filepath.Join(folder, module) + ": warning: " + object + " is odd")
	}
	if text != nil {
		text = fmt.Append(text, slices.DeleteFunc(os.Args[1:], func(arg string) bool { return strings.Contains(arg, ".native.o") }))
	}
	if os.WriteFile(object, text, 0o600) != nil {
		return 9
	}
	return 0
}

// testLink is a link of three modules, ready for Distribute.
type testLink struct {
	t        *testing.T
	dir      string
	compiler string
	settings *settings.Settings
	jobs     *thinlto.JobFile
}

func newTestLink(t *testing.T) *testLink {
	clang, lld := llvmtest.Tool(t, "clang-22"), llvmtest.Tool(t, "ld.lld-22")
	dir := t.TempDir()
	t.Chdir(dir)
	llvmtest.Write(t, dir,
		"main.c", "int a(int), b(int); int main(void) { return a(1) + b(2); }",
		"a.c", "int a(int n) { return n + 1; }",
		"b.c", "__attribute__((noinline)) int b(int n) { return n * 3; }")
	llvmtest.Run(t, dir, clang, "-O2", "-flto=thin", "-c", "main.c", "a.c", "b.c")
	llvmtest.Run(t, dir, lld, "--thinlto-index-only", "--thinlto-emit-imports-files", "-e", "main", "main.o", "a.o", "b.o", "-o", "program")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l := &testLink{t: t, dir: dir, compiler: filepath.Join(dir, compilerUnderTest), settings: settings.Default()}
	if os.Link(self, l.compiler) != nil {
		llvmtest.Run(t, dir, "cp", self, l.compiler)
	}
	l.settings.CacheDir = filepath.Join(dir, "cache")
	l.settings.Jobs = 2
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "user"))
	l.jobs = &thinlto.JobFile{Output: "program", Args: []string{l.compiler, "-c", "-O2"}}
	for _, name := range []string{"main.o", "a.o", "b.o"} {
		index, object := name+".thinlto.bc", strings.TrimSuffix(name, ".o")+".native.o"
		imports, err := os.ReadFile(name + ".imports")
		if err != nil {
			t.Fatal(err)
		}
		l.jobs.Jobs = append(l.jobs.Jobs, thinlto.Job{
			Args:    []string{name, "-fthinlto-index=" + index, "-o", object},
			Inputs:  append([]string{name, index}, strings.Fields(string(imports))...),
			Outputs: []string{object},
		})
	}
	return l
}

// distribute runs the link, and says what was compiled and what was printed.
func (l *testLink) distribute() (compiled []string, printed string, err error) {
	l.t.Helper()
	_ = os.Remove("runs")
	var file, messages bytes.Buffer
	if _, err := l.jobs.WriteTo(&file); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile("jobs.json", file.Bytes(), 0o600); err != nil {
		l.t.Fatal(err)
	}
	err = Distribute(l.t.Context(), "jobs.json", l.settings, nil, &messages)
	runs, _ := os.ReadFile("runs")
	return strings.Fields(string(runs)), messages.String(), err
}

// want runs the link, which must go well, and compares what was compiled.
func (l *testLink) want(compiled ...string) (printed string) {
	l.t.Helper()
	got, printed, err := l.distribute()
	if err != nil {
		l.t.Fatalf("%v\n%s", err, printed)
	}
	slices.Sort(got)
	if !slices.Equal(got, compiled) {
		l.t.Errorf("compiled %q, want %q", got, compiled)
	}
	return printed
}

func (l *testLink) behave(how string) { l.write("behaviour", how) }

func (l *testLink) write(name, text string) {
	l.t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

func (l *testLink) objects() string {
	l.t.Helper()
	var all []string
	for _, job := range l.jobs.Jobs {
		text, err := os.ReadFile(job.Object())
		if err != nil || len(text) == 0 {
			l.t.Fatalf("%s: %d bytes, %v", job.Object(), len(text), err)
		}
		all = append(all, string(text))
	}
	return strings.Join(all, "\x00")
}

func TestSecondLinkCompilesNothing(t *testing.T) {
	l := newTestLink(t)
	l.want("a.o", "b.o", "main.o")
	objects := l.objects()
	for _, job := range l.jobs.Jobs {
		_ = os.Remove(job.Object())
	}
	l.want()
	if l.objects() != objects {
		t.Error("other objects out of the cache")
	}
	// Without the cache the same objects, and it is left alone.
	l.settings.NoCache = true
	l.want("a.o", "b.o", "main.o")
	if l.objects() != objects {
		t.Error("other objects without the cache")
	}
}

// What is linked from the cache may be edited, and belongs to its owner.
func TestObjectsOfOthersAreCopies(t *testing.T) {
	l := newTestLink(t)
	l.want("a.o", "b.o", "main.o")
	l.want()
	l.write("a.native.o", "edited")
	l.want()
	if strings.Contains(l.objects(), "edited") {
		t.Error("an edited object got into the cache")
	}
}

// An object made while its module was being edited is used, and not kept.
func TestInputChangesDuringTheLink(t *testing.T) {
	l := newTestLink(t)
	l.settings.Jobs = 1
	before, err := os.ReadFile("b.o")
	if err != nil {
		t.Fatal(err)
	}
	l.behave("edit")
	l.settings.Summary = true
	printed := l.want("a.o", "b.o", "main.o")
	if !strings.Contains(printed, "was changed during the link") {
		t.Errorf("printed %q", printed)
	}
	l.behave("")
	l.write("b.o", string(before))
	if compiled, _, err := l.distribute(); err != nil || !slices.Contains(compiled, "b.o") {
		t.Errorf("compiled %q, %v: the object of an edited module was kept", compiled, err)
	}
}

// Objects of a compiler that was upgraded meanwhile are not kept as the old one's.
func TestCompilerChangesDuringTheLink(t *testing.T) {
	l := newTestLink(t)
	l.settings.Jobs = 1
	old := l.compiler + ".old"
	if err := os.Link(l.compiler, old); err != nil {
		t.Fatal(err)
	}
	l.behave("upgrade")
	l.settings.Summary = true
	if printed := l.want("a.o", "b.o", "main.o"); !strings.Contains(printed, "3 not kept: one of its inputs, or the compiler, was changed") {
		t.Errorf("printed %q", printed)
	}
	l.behave("")
	if err := os.Rename(old, l.compiler); err != nil {
		t.Fatal(err)
	}
	l.want("a.o", "b.o", "main.o")
	l.want()
}

func read(path string) []byte {
	b, _ := os.ReadFile(path)
	return b
}

func TestFailuresAreNotKept(t *testing.T) {
	for _, behaviour := range []string{"fail", "empty"} {
		l := newTestLink(t)
		l.settings.KeepGoing = true
		l.behave(behaviour)
		for range 2 {
			compiled, _, err := l.distribute()
			if len(compiled) != 3 || !errors.As(err, new(*exec.Failure)) {
				t.Errorf("%s: compiled %q, error %v", behaviour, compiled, err)
			}
			if behaviour == "fail" && !strings.Contains(string(failureOf(err).Output), ".o: cannot be compiled") {
				t.Errorf("the compiler's words are %q", failureOf(err).Output)
			}
		}
		l.behave("")
		l.want("a.o", "b.o", "main.o")
	}
}

func failureOf(err error) *exec.Failure {
	var failure *exec.Failure
	errors.As(err, &failure)
	return failure
}

// What a compiler warned of is printed each time, with the real names.
func TestWarningsAreKept(t *testing.T) {
	l := newTestLink(t)
	l.behave("warn")
	first := l.want("a.o", "b.o", "main.o")
	l.behave("")
	again := l.want()
	for _, printed := range []string{first, again} {
		if strings.Count(printed, "b.o: warning: b.native.o is odd\n") != 1 || strings.Count(printed, "\n") != 3 {
			t.Errorf("printed %q", printed)
		}
	}
}

// More than the store takes is said, and the object is not kept.
func TestWordyCompiler(t *testing.T) {
	l := newTestLink(t)
	l.settings.Summary = true
	l.behave("wordy")
	if printed := l.want("a.o", "b.o", "main.o"); !strings.Contains(printed, "3 not kept: the compiler printed too much") {
		t.Errorf("printed %d bytes, ending %q", len(printed), printed[max(0, len(printed)-300):])
	}
	l.want("a.o", "b.o", "main.o")
}

// What took long last time starts first, though it is small.
func TestLongestFirst(t *testing.T) {
	l := newTestLink(t)
	l.settings.Jobs = 1
	l.behave("slow on b")
	if compiled, _, err := l.distribute(); err != nil || compiled[0] == "b.o" {
		t.Fatalf("compiled %q, %v", compiled, err) // main.o is the largest
	}
	if err := os.RemoveAll(filepath.Join(l.settings.CacheDir, "cas")); err != nil {
		t.Fatal(err)
	}
	if compiled, _, err := l.distribute(); err != nil || compiled[0] != "b.o" {
		t.Errorf("compiled %q, %v", compiled, err)
	}
}

// Of links that want the same at once, one compiles it.
func TestLinksAtOnceCompileOnce(t *testing.T) {
	l := newTestLink(t)
	l.behave("slow on b")
	l.want("a.o", "b.o", "main.o") // so that the toolchain is known
	if err := os.RemoveAll(filepath.Join(l.settings.CacheDir, "cas")); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove("runs")
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			jobs := *l.jobs
			jobs.Output = fmt.Sprintf("program%d", i)
			jobs.Jobs = slices.Clone(jobs.Jobs)
			for k := range jobs.Jobs {
				object := fmt.Sprintf("%d.%s", i, jobs.Jobs[k].Object())
				jobs.Jobs[k].Outputs = []string{object}
				jobs.Jobs[k].Args = append(slices.Clone(jobs.Jobs[k].Args[:3]), object)
			}
			var file bytes.Buffer
			name := fmt.Sprintf("jobs%d.json", i)
			_, err := jobs.WriteTo(&file)
			if err := errors.Join(err, os.WriteFile(name, file.Bytes(), 0o600)); err != nil {
				t.Error(err)
			}
			if err := Distribute(context.Background(), name, l.settings, nil, io.Discard); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	runs, _ := os.ReadFile("runs")
	if got := strings.Fields(string(runs)); len(got) != 3 {
		t.Errorf("compiled %q", got)
	}
}

// Outputs may lie on another file system than the link's output.
func TestOutputsElsewhere(t *testing.T) {
	far, err := os.MkdirTemp("/dev/shm", "dtlto-test-*")
	if err != nil {
		t.Skipf("NOT TESTED: no second file system: %v", err)
	}
	defer func() { _ = os.RemoveAll(far) }()
	l := newTestLink(t)
	for i := range l.jobs.Jobs {
		job := &l.jobs.Jobs[i]
		job.Outputs = []string{filepath.Join(far, job.Object())}
		job.Args[3] = job.Object()
	}
	l.want("a.o", "b.o", "main.o")
	objects := l.objects()
	l.want()
	if l.objects() != objects {
		t.Error("other objects out of the cache")
	}
}

// An index that cannot be read leaves the job where it stands: the compiler may
// know better. An empty one it would take for no index at all, without a word.
func TestBrokenIndex(t *testing.T) {
	l := newTestLink(t)
	index, err := os.ReadFile("b.o.thinlto.bc")
	if err != nil {
		t.Fatal(err)
	}
	l.write("b.o.thinlto.bc", string(index[:len(index)/2/4*4]))
	l.settings.Summary = true
	if printed := l.want("a.o", "b.o", "main.o"); !strings.Contains(printed, "1 not kept: b.o.thinlto.bc: ") {
		t.Errorf("printed %q", printed)
	}
	if printed := l.want("b.o"); !strings.Contains(printed, "2 cached, 1 compiled (1 not kept") {
		t.Errorf("printed %q", printed)
	}
	l.write("b.o.thinlto.bc", "")
	if _, _, err := l.distribute(); err == nil || !strings.Contains(err.Error(), "b.o.thinlto.bc: the index is empty") {
		t.Errorf("error %v", err)
	}
}

// Two modules with the same contents are two, with an object each.
func TestEqualModules(t *testing.T) {
	l := newTestLink(t)
	text, err := os.ReadFile("a.o")
	if err != nil {
		t.Fatal(err)
	}
	l.write("same.o", string(text))
	job := l.jobs.Jobs[1]
	if len(job.Inputs) != 2 {
		t.Fatalf("a.o imports from %q", job.Imports())
	}
	index, err := os.ReadFile("a.o.thinlto.bc")
	if err != nil {
		t.Fatal(err)
	}
	l.write("same.o.thinlto.bc", strings.ReplaceAll(string(index), "a.o", "same.o"))
	l.jobs.Jobs = append(l.jobs.Jobs, thinlto.Job{
		Args:    []string{"same.o", "-fthinlto-index=same.o.thinlto.bc", "-o", "same.native.o"},
		Inputs:  []string{"same.o", "same.o.thinlto.bc"},
		Outputs: []string{"same.native.o"},
	})
	_, _, err = l.distribute()
	if err != nil {
		t.Fatal(err)
	}
	l.objects()
}

// A command that is no action still finds its files, and is not kept.
func TestImpureArguments(t *testing.T) {
	l := newTestLink(t)
	l.jobs.Args = append(l.jobs.Args, "-fplugin=./plugin.so")
	l.want("a.o", "b.o", "main.o")
	if !strings.Contains(l.objects(), "main.o -fthinlto-index=main.o.thinlto.bc") {
		t.Error("the names of files were replaced")
	}
	l.want("a.o", "b.o", "main.o")
}

// A file that is declared is in the key.
func TestExtraInputs(t *testing.T) {
	l := newTestLink(t)
	l.write("p.prof", "one")
	l.jobs.Args = append(l.jobs.Args, "-fprofile-sample-use=p.prof")
	l.jobs.Inputs = []string{"p.prof"}
	l.want("a.o", "b.o", "main.o")
	l.want()
	l.write("p.prof", "two")
	l.want("a.o", "b.o", "main.o")
	if !strings.Contains(l.objects(), "-fprofile-sample-use=input0.prof") {
		t.Error("the profile's name is in the command")
	}
}
