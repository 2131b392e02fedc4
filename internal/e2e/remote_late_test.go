// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/llvmtest"
	"github.com/dtlto/dtlto/internal/reapi/reapitest"
	"github.com/dtlto/dtlto/internal/record"
)

// TestRemoteLate has servers keep silent that nobody has told to hurry: a link does not
// wait for as long as a call may take.
func TestRemoteLate(t *testing.T) {
	tr := smallTree(t, 19)
	want := newMachine(t, tr)
	want.link(tr.driver, tr.args()...)
	objects, _ := want.jobs()
	for _, tc := range []struct {
		name, method string
		env          string
	}{
		{"executions", "Execute", ""},
		{"the version of the workers' compiler", "Execute", "DTLTO_REMOTE_COMPILER=" + llvmtest.Tool(t, "clang-19")},
		{"look-ups", "GetActionResult", ""},
		{"searches for blobs", "FindMissingBlobs", ""},
		{"results of ours", "UpdateActionResult", "DTLTO_REMOTE_EXECUTOR="},
		{"look-ups in a cache alone", "GetActionResult", "DTLTO_REMOTE_EXECUTOR="},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server := reapitest.Start(t, reapitest.Options{Zstd: true, Faults: []reapitest.Fault{{Kind: reapitest.Hang, Method: tc.method}}})
			m := newMachine(t, tr, "DTLTO_REMOTE_EXECUTOR="+server.Address(), "DTLTO_REMOTE_CACHE="+server.Address(), "DTLTO_REMOTE_LOCAL_DELAY=1", tc.env)
			started := time.Now()
			said := m.link(tr.driver, tr.args()...)
			if took := time.Since(started); took > 45*time.Second { // a call may take 60
				t.Errorf("the link took %v", took)
			}
			got, _ := m.jobs()
			if !maps.Equal(plainKeys(got), plainKeys(objects)) {
				t.Errorf("other objects than here:\n%v\n%v", got, objects)
			}
			if tc.method == "UpdateActionResult" && !strings.Contains(said, "not shared: the cluster") {
				t.Errorf("said: %s", said)
			}
		})
	}
}

// TestRemoteRace does compiles here and on a cluster at once: whoever is first.
func TestRemoteRace(t *testing.T) {
	tr := smallTree(t, 22)
	for _, mode := range modes {
		args := tr.args("-Wl,--dtlto-mode=" + mode)
		want := newMachine(t, tr)
		want.link(tr.driver, args...)
		objects, _ := want.jobs()
		for name, fault := range map[string]reapitest.Fault{
			"as it comes":         {},
			"here is first":       {Kind: reapitest.Delay, Delay: 20 * time.Second, Method: "Execute"},
			"the cluster is down": {Kind: reapitest.Drop},
		} {
			t.Run(mode+" "+name, func(t *testing.T) {
				server := reapitest.Start(t, reapitest.Options{Slots: 2})
				if fault.Kind != "" {
					server.SetFaults(fault)
				}
				m := newMachine(t, tr, "DTLTO_REMOTE_EXECUTOR="+server.Address(), "DTLTO_REMOTE_LOCAL_DELAY=0",
					"DTLTO_REMOTE_COMPILER="+llvmtest.Tool(t, "clang-22"))
				m.link(tr.driver, args...)
				got, outcomes := m.jobs()
				if !maps.Equal(plainKeys(got), plainKeys(objects)) {
					t.Errorf("other objects than here:\n%v\n%v", got, objects)
				}
				if fault.Kind != "" && outcomes[record.Compiled] != len(objects) {
					t.Errorf("%v: want all compiled here", outcomes)
				}
				sameBytesAndRuns(t, want, m)
			})
		}
	}
}

// TestRemoteWithoutCacheFolder links where no folder can be found for a cache, as in many
// a container.
func TestRemoteWithoutCacheFolder(t *testing.T) {
	for _, llvm := range []int{19, 22} {
		tr := smallTree(t, llvm)
		server := reapitest.Start(t, reapitest.Options{Slots: 2})
		for _, setting := range []string{"DTLTO_REMOTE_EXECUTOR=", "DTLTO_REMOTE_CACHE="} {
			m := newMachine(t, tr)
			cmd := exec.Command(tr.driver, tr.args("-flto=thin", "-O2", "-fuse-ld=dtlto")...)
			cmd.Dir = m.dir
			cmd.Env = append(os.Environ(), "HOME=", "XDG_CACHE_HOME=", "DTLTO_SUMMARY=1", setting+server.Address(), "DTLTO_REMOTE_COMPILER="+tr.driver)
			said, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			output(t, filepath.Join(m.dir, "program"))
		}
		if stats := server.Stats(); stats.Executions != len(tr.inputs)+1 || stats.ResultHits != len(tr.inputs) {
			t.Errorf("%d executions and %d hits for %d modules and a version", stats.Executions, stats.ResultHits, len(tr.inputs))
		}
	}
}

// TestRemoteOnly forbids that compiles are done here.
func TestRemoteOnly(t *testing.T) {
	tr := smallTree(t, 19)
	server := reapitest.Start(t, reapitest.Options{CacheOnly: true})
	m := newMachine(t, tr, "DTLTO_REMOTE_EXECUTOR="+server.Address())
	said, err := m.tryLink(tr.driver, tr.args("-Wl,--dtlto-no-remote-local-fallback")...)
	if err == nil || !strings.Contains(said, "--remote-executor must be the address of a server with workers") {
		t.Errorf("%v: %s", err, said)
	}
	said, err = m.tryLink(tr.driver, tr.args("-Wl,--dtlto-no-remote-local-fallback,--dtlto-remote-executor=grpc://127.0.0.1:9")...)
	if err == nil || strings.Count(said, "connection refused") != 1 {
		t.Errorf("%v: %s", err, said)
	}
}

// TestRemoteMissingOutput asks for an output that no compile makes: it fails, wherever it
// is tried, and the link ends.
func TestRemoteMissingOutput(t *testing.T) {
	tr := smallTree(t, 22)
	keeper := filepath.Join(t.TempDir(), "keeper")
	if err := os.WriteFile(keeper, []byte("#!/bin/sh\nfor arg; do file=$arg; done\ncp \"$file\" kept.dist-file.json\nexit 1\n"), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	cmd := exec.Command(tr.driver, tr.args("-flto=thin", "-O2", "-fuse-ld=lld", "-fthinlto-distributor="+keeper, "-Wl,--save-temps")...)
	cmd.Dir = tr.dir
	if said, err := cmd.CombinedOutput(); err == nil {
		t.Fatalf("the link succeeds: %s", said)
	}
	file := filepath.Join(tr.dir, "kept.dist-file.json")
	text := regexp.MustCompile(`("outputs":\s*\[\s*)"([^"]*)\.o"`).ReplaceAllString(string(read(t, file)), `${1}"${2}.o","${2}.dwo"`)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil || strings.Count(text, ".dwo") != len(tr.inputs) {
		t.Fatalf("%v: %s", err, text)
	}
	server := reapitest.Start(t, reapitest.Options{Slots: 2})
	for _, delay := range []string{"0", "3600"} {
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		cmd = exec.CommandContext(ctx, "dtlto", "--remote-executor="+server.Address(), "--remote-compiler="+tr.driver, "--remote-local-delay="+delay,
			"--cache-dir="+t.TempDir(), filepath.Base(file))
		cmd.Dir = tr.dir
		said, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(said), "the compiler exited with 0 but made no ") {
			t.Errorf("delay %s: %v: %s", delay, err, said)
		}
	}
}
