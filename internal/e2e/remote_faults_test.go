// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dtlto/dtlto/internal/corpus"
	"github.com/dtlto/dtlto/internal/llvmtest"
	"github.com/dtlto/dtlto/internal/reapi/reapitest"
	"github.com/dtlto/dtlto/internal/record"
)

// impatient are settings with which faults cost little time.
var impatient = []string{
	"DTLTO_REMOTE_TIMEOUT=1", "DTLTO_REMOTE_RETRIES=2", "DTLTO_REMOTE_LOCAL_DELAY=2", "DTLTO_REMOTE_COMPILER=/usr/bin/clang-19",
}

// bounded is how long a link with faults may take: far longer than any should, so that
// only one that hangs is found.
const bounded = 2 * time.Minute

// remoteMethods are the calls of a link.
var remoteMethods = []string{
	"GetCapabilities", "FindMissingBlobs", "BatchUpdateBlobs", "Write", "GetActionResult", "Execute", "BatchReadBlobs", "Read", "UpdateActionResult",
}

// eachFault are all faults, alone or, where only that makes one, together.
func eachFault() (faults [][]reapitest.Fault) {
	for _, method := range remoteMethods {
		for _, f := range []reapitest.Fault{
			{Name: "late", Kind: reapitest.Delay, Delay: 200 * time.Millisecond},
			{Name: "hangs", Kind: reapitest.Hang},
			{Name: "drops the connection", Kind: reapitest.Drop},
			{Name: "unavailable", Kind: reapitest.Fail, Code: codes.Unavailable},
			{Name: "unavailable once", Kind: reapitest.Fail, Code: codes.Unavailable, Times: 1},
			{Name: "internal error", Kind: reapitest.Fail, Code: codes.Internal},
			{Name: "permission denied", Kind: reapitest.Fail, Code: codes.PermissionDenied},
			{Name: "out of resources", Kind: reapitest.Fail, Code: codes.ResourceExhausted},
			{Name: "answer is lost", Kind: reapitest.Drop, After: 1},
		} {
			f.Method = method
			f.Name = method + " " + f.Name
			faults = append(faults, []reapitest.Fault{f})
		}
	}
	for _, f := range reapitest.Catalogue() {
		if f.Kind == reapitest.NoStderr || f.Kind == reapitest.LostStderr {
			continue // no compile here prints anything: package reapi's tests have them
		}
		if f.Method != "" || !isCallFault(f) {
			faults = append(faults, []reapitest.Fault{f})
		}
	}
	for i, list := range faults {
		if list[0].Method != "GetCapabilities" {
			faults[i][0].Skip = 1 // the workers' compiler says its version: so that compiles are tried
		}
	}
	return append(faults, reapitest.Forgetful(),
		[]reapitest.Fault{{Name: "lost blob once", Kind: reapitest.LostBlob, Times: 1, Skip: 1}},
		[]reapitest.Fault{{Name: "input evicted twice", Kind: reapitest.EvictInput, Times: 2, Skip: 1}},
		[]reapitest.Fault{{Name: "worker dies twice", Kind: reapitest.Death, Times: 2, Skip: 1}},
		[]reapitest.Fault{{Name: "workers go away, as Buildbarn says", Kind: reapitest.NoWorkers, Code: codes.FailedPrecondition, Skip: 1}},
	)
}

func isCallFault(f reapitest.Fault) bool {
	return f.Kind == reapitest.Fail || f.Kind == reapitest.Hang || f.Kind == reapitest.Drop || f.Kind == reapitest.Delay
}

// TestRemoteFaults has each fault of the server happen at every occasion: every link ends
// with the right program.
func TestRemoteFaults(t *testing.T) {
	tr := smallTree(t, 19)
	want := newMachine(t, tr)
	want.link(tr.driver, tr.args()...)
	objects, _ := want.jobs()
	for _, faults := range eachFault() {
		t.Run(faults[0].Name, func(t *testing.T) {
			t.Parallel()
			o, setting := serverFor(faults[0].Method)
			o.Faults = faults
			server := reapitest.Start(t, o)
			for range 2 { // another machine finds what this one left
				m := newMachine(t, tr, append(impatient, setting+server.Address())...)
				faultyLink(t, m, tr, objects)
				sameBytesAndRuns(t, want, m)
			}
			if happened := server.Stats().Faults; len(happened) == 0 {
				t.Error("the fault did not happen")
			}
		})
	}
}

// serverFor is a server that a small link calls a method of, and what it is to the link.
func serverFor(method string) (o reapitest.Options, setting string) {
	o = reapitest.Options{Slots: 2, Zstd: true}
	switch method {
	case "BatchReadBlobs":
		o.NoInline = true
	case "Read", "Write":
		o.NoInline, o.MaxBatch = true, 200 // bytes: more is large
	case "UpdateActionResult":
		o.CacheOnly = true
		return o, "DTLTO_REMOTE_CACHE="
	}
	return o, "DTLTO_REMOTE_EXECUTOR="
}

// faultyLink links, and wants the right objects from wherever.
func faultyLink(t *testing.T, m *machine, tr tree, objects map[string]string) {
	t.Helper()
	started := time.Now()
	said := m.link(tr.driver, tr.args()...)
	took := time.Since(started)
	if took > bounded {
		t.Errorf("the link took %v", took)
	}
	got, outcomes := m.jobs()
	if !maps.Equal(plainKeys(got), plainKeys(objects)) {
		t.Errorf("other objects than here:\n%v\n%v", got, objects)
	}
	var warnings []string
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "dtlto: warning: ") {
			warnings = append(warnings, strings.TrimSpace(line))
		} else if !strings.HasPrefix(line, "dtlto: ") {
			t.Errorf("said: %s", line)
		}
	}
	if len(warnings) > 2 {
		t.Errorf("%d warnings:\n%s", len(warnings), said)
	}
	t.Logf("%.1f s: %d here, %d executed, %d cached there. %s", took.Seconds(), outcomes[record.Compiled], outcomes[record.Executed],
		outcomes[record.RemoteCached], regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(strings.Join(warnings, " "), "SERVER"))
}

// plainKeys are objects without the keys of their actions: those for workers with a
// compiler of their own are others.
func plainKeys(objects map[string]string) map[string]string {
	plain := map[string]string{}
	for module, text := range objects {
		plain[module] = text[strings.LastIndexByte(text, ' ')+1:]
	}
	return plain
}

// TestRemoteFaultsTogether has all faults happen at a tenth of all occasions.
func TestRemoteFaultsTogether(t *testing.T) {
	o := built(t, corpus.Zstd(), 19, corpus.ThinLTO()...)
	tr := layOut(t, 19, o, true)
	want := newMachine(t, tr)
	want.link(o.Driver, tr.args()...)
	objects, _ := want.jobs()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			faults := reapitest.Mixed(0.1, reapitest.Catalogue()...)
			server := reapitest.Start(t, reapitest.Options{Slots: 2, Zstd: true, Seed: seed, Faults: faults})
			for range 2 {
				m := newMachine(t, tr, append(impatient, "DTLTO_REMOTE_EXECUTOR="+server.Address())...)
				faultyLink(t, m, tr, objects)
				sameBytesAndRuns(t, want, m)
			}
			t.Log(server.Stats().Faults)
		})
	}
}

// smallTree is a program of a few small modules that import from each other.
func smallTree(t *testing.T, llvm int) tree {
	t.Helper()
	root := t.TempDir()
	tr := tree{llvm: llvm, root: root, dir: filepath.Join(root, "link"), driver: llvmtest.Tool(t, fmt.Sprint("clang-", llvm))}
	if err := os.Mkdir(tr.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	const modules = 5
	for i := range modules {
		source := fmt.Sprintf("int f%d(int x) { return x; }\n", i)
		if i+1 < modules {
			source = fmt.Sprintf("int f%d(int); int f%d(int x) { return f%d(x) * %d + 1; }\n", i+1, i, i+1, i+2)
		}
		if i == 0 {
			source += "int printf(const char *, ...); int main(void) { printf(\"%d\\n\", f0(3)); return 0; }\n"
		}
		name := fmt.Sprintf("m%d", i)
		if err := os.WriteFile(filepath.Join(tr.dir, name+".c"), []byte(source), 0o666); err != nil {
			t.Fatal(err)
		}
		llvmtest.Run(t, tr.dir, tr.driver, "-O2", "-flto=thin", "-c", name+".c")
		tr.inputs = append(tr.inputs, name+".o")
	}
	return tr
}

// TestRemoteMistakes makes each mistake that a user can make in naming a cluster: the link
// is done here, and one line says which setting to change.
func TestRemoteMistakes(t *testing.T) {
	tr := smallTree(t, 19)
	good := reapitest.Start(t, reapitest.Options{Instance: "main", RawStreams: true})
	cacheOnly := reapitest.Start(t, reapitest.Options{CacheOnly: true})
	locked := reapitest.Start(t, reapitest.Options{Token: "right"})
	unreachable := "grpc://192.0.2.1:80" // RFC 5737: routed nowhere
	for _, tc := range []struct {
		name string
		env  []string
		said []string
	}{
		{"wrong instance name", []string{"DTLTO_REMOTE_EXECUTOR=" + good.Address(), "DTLTO_REMOTE_INSTANCE_NAME=other"}, []string{"--remote-instance-name"}},
		{"cache-only server as executor", []string{"DTLTO_REMOTE_EXECUTOR=" + cacheOnly.Address()}, []string{"--remote-executor", "--remote-cache"}},
		{"no credential", []string{"DTLTO_REMOTE_EXECUTOR=" + locked.Address()}, []string{"--remote-header", "--credential-helper"}},
		{"wrong credential", []string{"DTLTO_REMOTE_EXECUTOR=" + locked.Address(), "DTLTO_REMOTE_HEADER=authorization=Bearer s3cr3t"}, []string{"--remote-header"}},
		{"nobody listens", []string{"DTLTO_REMOTE_EXECUTOR=grpc://127.0.0.1:9"}, []string{"--remote-executor"}},
		{"unreachable", []string{"DTLTO_REMOTE_EXECUTOR=" + unreachable, "DTLTO_REMOTE_TIMEOUT=1"}, []string{"--remote-executor"}},
		{"plain text server, TLS", []string{"DTLTO_REMOTE_EXECUTOR=" + strings.Replace(good.Address(), "grpc://", "grpcs://", 1)}, []string{"grpc://"}},
		{"no scheme", []string{"DTLTO_REMOTE_EXECUTOR=" + strings.TrimPrefix(good.Address(), "grpc://")}, []string{"grpc://"}},
		{"missing certificate", []string{"DTLTO_REMOTE_EXECUTOR=grpcs://127.0.0.1:9", "DTLTO_TLS_CERTIFICATE=/no/ca.pem"}, []string{"--tls-certificate", "/no/ca.pem"}},
		{"unknown workers", []string{"DTLTO_REMOTE_EXECUTOR=" + good.Address(), "DTLTO_REMOTE_INSTANCE_NAME=main",
			"DTLTO_REMOTE_COMPILER=/usr/bin/no-clang"}, []string{"--remote-compiler"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMachine(t, tr, tc.env...)
			started := time.Now()
			said := m.link(tr.driver, tr.args()...)
			output(t, filepath.Join(m.dir, "program"))
			if n := strings.Count(said, "dtlto: warning: "); n != 1 || strings.Count(said, "\n") != 2 {
				t.Errorf("%d warnings, want one and the summary:\n%s", n, said)
			}
			for _, want := range tc.said {
				if !strings.Contains(said, want) {
					t.Errorf("%q is not in: %s", want, said)
				}
			}
			if strings.Contains(said, "s3cr3t") {
				t.Error("the secret was printed")
			}
			if took := time.Since(started); took > 30*time.Second {
				t.Errorf("a mistake cost %v", took)
			}
			first, _, _ := bytes.Cut([]byte(said), []byte("\n"))
			t.Logf("%s", first)
		})
	}
}
