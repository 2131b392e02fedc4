// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/corpus"
	"github.com/dtlto/dtlto/internal/llvmtest"
	"github.com/dtlto/dtlto/internal/reapi/reapitest"
	"github.com/dtlto/dtlto/internal/record"
)

// machine is a place to link in: a build tree, a cache, settings.
type machine struct {
	t      *testing.T
	dir    string // the linker's working folder
	cache  string
	env    []string // settings, "DTLTO_NAME=value"
	asUser func(*exec.Cmd)
}

// args link the tree's program.
func (tr *tree) args(more ...string) []string {
	return slices.Concat(tr.inputs, []string{"-o", "program"}, more)
}

// newMachine is one with an empty cache in a copy of a build tree.
func newMachine(t *testing.T, tr tree, env ...string) *machine {
	t.Helper()
	root, err := os.MkdirTemp("", "dtlto-machine-") // not in the test's, which only its user can look into
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	llvmtest.Run(t, ".", "cp", "-rL", tr.dir, filepath.Join(root, "copy"))
	return &machine{t: t, dir: filepath.Join(root, "copy"), cache: filepath.Join(root, "cache"), env: env, asUser: func(*exec.Cmd) {}}
}

// link links through dtlto and gives what was printed.
func (m *machine) link(driver string, args ...string) string {
	m.t.Helper()
	text, err := m.tryLink(driver, args...)
	if err != nil {
		m.t.Fatalf("%v\n%s", err, text)
	}
	return text
}

func (m *machine) tryLink(driver string, args ...string) (string, error) {
	cmd := exec.CommandContext(m.t.Context(), driver, append([]string{"-flto=thin", "-O2", "-fuse-ld=dtlto"}, args...)...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), append(m.env, "DTLTO_CACHE_DIR="+m.cache, "DTLTO_SUMMARY=1")...)
	m.asUser(cmd)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// jobs are what is on record of the last link of the program: which objects it had, by
// module, and how it came to them.
func (m *machine) jobs() (objects map[string]string, outcomes map[record.Outcome]int) {
	m.t.Helper()
	link, err := record.Load(filepath.Join(m.cache, "links"), filepath.Join(m.dir, "program"))
	if err != nil || link == nil {
		m.t.Fatalf("no record of the link: %v", err)
	}
	store := cas.Open(filepath.Join(m.cache, "cas"), cas.Options{})
	defer store.Close()
	objects, outcomes = map[string]string{}, map[record.Outcome]int{}
	for _, job := range link.Jobs {
		outcomes[job.Outcome]++
		result, err := store.Result(m.t.Context(), job.Action.Key)
		if err != nil || len(result.Outputs) == 0 {
			m.t.Fatalf("%s: %v", job.Module, err)
		}
		objects[job.Module] = fmt.Sprint(job.Action.Key, " ", result.Outputs[0].Digest)
	}
	return objects, outcomes
}

// wantOnly fails the test unless all jobs came to their objects in one way.
func (m *machine) wantOnly(want record.Outcome) map[string]string {
	m.t.Helper()
	objects, outcomes := m.jobs()
	if len(objects) == 0 || outcomes[want] != len(objects) || len(outcomes) != 1 {
		m.t.Errorf("%d jobs, %v: want all %v", len(objects), outcomes, want)
	}
	return objects
}

// testExecutor, if it is set, is the address of a real cluster to link on. It must be one
// that has not seen these programs yet.
const testExecutor = "DTLTO_TEST_EXECUTOR"

// workers starts a cluster whose workers have nothing but what they are sent, as far as
// this user may make them so, and gives its address. At the end, so many actions must have
// been executed there.
func workers(t *testing.T, executions *int) (address string) {
	t.Helper()
	if address := os.Getenv(testExecutor); address != "" {
		return address
	}
	o := reapitest.Options{Slots: 2, Zstd: true, Root: os.Geteuid() == 0}
	if !o.Root {
		t.Log("workers see this machine's files: only root can hide them")
	}
	server := reapitest.Start(t, o)
	t.Cleanup(func() {
		if n := server.Stats().Executions; n != *executions {
			t.Errorf("%d executions, want %d", n, *executions)
		}
	})
	return server.Address()
}

// TestRemoteCorpus links real programs on a cluster that has no compiler of its own: all
// backends run there and make the objects that are made here. Another machine, which has
// a copy of the tree elsewhere, another user and an empty cache, finds them all.
func TestRemoteCorpus(t *testing.T) {
	for _, tc := range []struct {
		program corpus.Program
		llvm    int
		mode    string
		long    bool
	}{
		{corpus.Zstd(), 14, "staged", false},
		{corpus.Zstd(), 19, "staged", true},
		{corpus.Zstd(), 22, "native", false},
		{corpus.Zstd(), 22, "staged", true},
		{corpus.RE2(), 14, "staged", true},
		{corpus.RE2(), 19, "staged", false},
		{corpus.RE2(), 22, "native", true},
		{corpus.RE2(), 22, "staged", false},
	} {
		t.Run(fmt.Sprint(tc.program.Name, " ", tc.llvm, " ", tc.mode), func(t *testing.T) {
			if tc.long && os.Getenv(testLong) == "" {
				t.Skip("the same as others here, with another LLVM (" + testLong + ")")
			}
			o := built(t, tc.program, tc.llvm, corpus.ThinLTO()...)
			remoteCorpus(t, layOut(t, tc.llvm, o, true), o.Driver, tc.mode)
		})
	}
}

func remoteCorpus(t *testing.T, tr tree, driver, mode string) {
	var modules int
	address := workers(t, &modules)
	args := tr.args("-Wl,--dtlto-mode=" + mode)
	here := newMachine(t, tr)
	t.Log(here.link(driver, args...))
	want := here.wantOnly(record.Compiled)
	modules = len(want)

	sends := newMachine(t, tr, "DTLTO_REMOTE_EXECUTOR="+address, "DTLTO_REMOTE_LOCAL_DELAY=3600")
	t.Log(sends.link(driver, args...))
	if got := sends.wantOnly(record.Executed); !maps.Equal(got, want) {
		t.Errorf("other objects than here:\n%v\n%v", got, want)
	}
	sameBytesAndRuns(t, here, sends)

	finds := newMachine(t, tr, "DTLTO_REMOTE_CACHE="+address)
	finds.asNobody()
	t.Log(finds.link(driver, args...))
	if got := finds.wantOnly(record.RemoteCached); !maps.Equal(got, want) {
		t.Errorf("other objects than here:\n%v\n%v", got, want)
	}
	sameBytesAndRuns(t, here, finds)
}

func sameBytesAndRuns(t *testing.T, a, b *machine) {
	t.Helper()
	if !bytes.Equal(read(t, filepath.Join(a.dir, "program")), read(t, filepath.Join(b.dir, "program"))) {
		t.Error("the programs differ")
	}
	output(t, filepath.Join(b.dir, "program"))
}

// TestRemoteCompiler has workers use a compiler of their own, and refuses one of another
// release.
func TestRemoteCompiler(t *testing.T) {
	o := built(t, corpus.Zstd(), 19, corpus.ThinLTO()...)
	tr := layOut(t, 19, o, true)
	server := reapitest.Start(t, reapitest.Options{Slots: 2, RawStreams: true})
	args := tr.args()
	for _, tc := range []struct {
		compiler string
		want     record.Outcome
		said     string
	}{
		{"/usr/bin/clang-19", record.Executed, ""},
		{"/usr/bin/clang-16", record.Compiled, "must name the same release of clang"},
		{"/usr/bin/no-clang", record.Compiled, "/usr/bin/no-clang"},
	} {
		t.Run(filepath.Base(tc.compiler), func(t *testing.T) {
			m := newMachine(t, tr, "DTLTO_REMOTE_EXECUTOR="+server.Address(), "DTLTO_REMOTE_COMPILER="+tc.compiler, "DTLTO_REMOTE_LOCAL_DELAY=3600")
			said := m.link(o.Driver, args...)
			m.wantOnly(tc.want)
			// Other workers may have another compiler there.
			m.env = append(m.env, "DTLTO_REMOTE_DEFAULT_EXEC_PROPERTIES=image=other")
			m.link(o.Driver, args...)
			m.wantOnly(tc.want)
			if n := bytes.Count([]byte(said), []byte("dtlto: warning: ")); tc.said != "" && (n != 1 || !bytes.Contains([]byte(said), []byte(tc.said))) {
				t.Errorf("%d warnings, want one with %q:\n%s", n, tc.said, said)
			}
		})
	}
}

// asNobody makes the machine another user's, if we may.
func (m *machine) asNobody() {
	if os.Geteuid() != 0 {
		m.t.Log("the same user: only root can be another")
		return
	}
	const nobody = 65534
	root := filepath.Dir(m.dir)
	for _, dir := range []string{root, m.dir, bin} {
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // another user has to get there
			m.t.Fatal(err)
		}
	}
	for _, dir := range []string{root, m.dir} {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			m.t.Fatal(err)
		}
	}
	m.env = append(slices.Clone(m.env), "HOME="+root, "XDG_CACHE_HOME="+root)
	m.asUser = func(cmd *exec.Cmd) { runAs(cmd, nobody) }
}

// TestRemoteExplain asks why a module was compiled that the cluster compiled.
func TestRemoteExplain(t *testing.T) {
	tr := smallTree(t, 19)
	server := reapitest.Start(t, reapitest.Options{Slots: 2})
	m := newMachine(t, tr, "DTLTO_REMOTE_EXECUTOR="+server.Address(), "DTLTO_REMOTE_COMPILER="+llvmtest.Tool(t, "clang-19"), "DTLTO_REMOTE_LOCAL_DELAY=3600",
		"DTLTO_EVENTS=events", "DTLTO_TRACE=trace")
	args := tr.args()
	m.link(tr.driver, args...)
	m.wantOnly(record.Executed)
	llvmtest.Run(t, m.dir, "sh", "-c", "echo 'int f4(int x) { return x + 1; }' >m4.c && "+tr.driver+" -O2 -flto=thin -c m4.c")
	m.link(tr.driver, args...)
	// What the server says of an execution reaches whoever looks.
	attempts := ofKind(readEvents(t, filepath.Join(m.dir, "events")), "attempt")
	if i := slices.IndexFunc(attempts, func(e event) bool { return e.Where == "cluster" && e.Remote.Executing > 0 }); i < 0 {
		t.Errorf("no attempt on the cluster says how long it was executed: %+v", attempts)
	}
	if trace := read(t, filepath.Join(m.dir, "trace")); !bytes.Contains(trace, []byte(`"name":"executing"`)) {
		t.Errorf("the trace does not say when the cluster executed:\n%s", trace)
	}
	explain := exec.Command("dtlto", "explain", "--cache-dir="+m.cache, "program")
	explain.Dir = m.dir
	out, err := explain.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("m4.o: compiled on the cluster")) || !bytes.Contains(out, []byte("its own bitcode has changed")) {
		t.Errorf("%v: %s", err, out)
	}
}
