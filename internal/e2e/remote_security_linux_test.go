// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/llvmtest"
	"github.com/dtlto/dtlto/internal/reapi/reapitest"
	"github.com/dtlto/dtlto/internal/record"
)

// secret is what must not be seen anywhere.
const secret = "Bearer s3cr3t-t0ken"

// TestRemoteSecurity reaches a server that wants certificates and a token, in each way in
// which a user can give them. The token is in no message, record or command line.
func TestRemoteSecurity(t *testing.T) {
	tr := smallTree(t, 22)
	authority := reapitest.NewAuthority(t)
	certificate, key := authority.Issue("client", time.Hour)
	stranger, strangerKey := reapitest.NewAuthority(t).Issue("stranger", time.Hour)
	server := reapitest.Start(t, reapitest.Options{TLS: authority.Server(true), Token: strings.TrimPrefix(secret, "Bearer "), Slots: 2})
	tls := []string{
		"DTLTO_REMOTE_EXECUTOR=" + server.Address(), "DTLTO_REMOTE_COMPILER=" + llvmtest.Tool(t, "clang-22"), "DTLTO_REMOTE_LOCAL_DELAY=3600",
		"DTLTO_TLS_CERTIFICATE=" + authority.Certificate, "DTLTO_TLS_CLIENT_CERTIFICATE=" + certificate, "DTLTO_TLS_CLIENT_KEY=" + key,
	}
	folder := t.TempDir()
	script := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
		return path
	}
	helper := script("helper", `cat >/dev/null; echo '{"headers":{"Authorization":["`+secret+`"]}}'`)
	broken := script("broken", `cat >/dev/null; echo "no ticket" >&2; exit 3`)
	lld := script("ld.lld", `echo "$@" >>`+folder+`/argv; exec `+llvmtest.Tool(t, "ld.lld-22")+` "$@"`)
	for _, tc := range []struct {
		name string
		env  []string
		args []string
		want record.Outcome
		said string
	}{
		{"header in a variable", append(tls, "DTLTO_REMOTE_HEADER=authorization="+secret), nil, record.Executed, ""},
		{"header on the command line", tls, []string{"-Wl,--dtlto-remote-header=authorization=" + secret}, record.RemoteCached, ""},
		{"header in a file", append(tls, "DTLTO_CONFIG="+config(t, "remote-header = [\"authorization=$TOKEN\"]\n"), "TOKEN="+secret), nil, record.RemoteCached, ""},
		{"credential helper", append(tls, "DTLTO_CREDENTIAL_HELPER="+helper), nil, record.RemoteCached, ""},
		{"broken helper", append(tls, "DTLTO_CREDENTIAL_HELPER="+broken), nil, record.Compiled, "no ticket"},
		{"no certificate of ours", append(tls[:4:4], "DTLTO_REMOTE_HEADER=authorization="+secret), nil, record.Compiled, "--tls-client-certificate"},
		{"a stranger's certificate", append(tls[:4:4], "DTLTO_TLS_CLIENT_CERTIFICATE="+stranger, "DTLTO_TLS_CLIENT_KEY="+strangerKey), nil, record.Compiled, "--tls-client-certificate"},
		{"nobody to trust", append(tls[:3:3], "DTLTO_TLS_CLIENT_CERTIFICATE="+certificate, "DTLTO_TLS_CLIENT_KEY="+key), nil, record.Compiled, "--tls-certificate"},
		{"a key for another certificate", append(tls[:4:4], "DTLTO_TLS_CLIENT_CERTIFICATE="+certificate, "DTLTO_TLS_CLIENT_KEY="+strangerKey), nil, record.Compiled, "--tls-client-key"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMachine(t, tr, tc.env...)
			args := append(tr.args("-Wl,--dtlto-lld="+lld), tc.args...)
			said := m.link(tr.driver, args...)
			m.wantOnly(tc.want)
			if strings.Count(said, "dtlto: warning: ") > 1 || !strings.Contains(said, tc.said) || tc.said == "" && strings.Contains(said, "warning") {
				t.Errorf("want %q:\n%s", tc.said, said)
			}
			if strings.Contains(said, "s3cr3t") {
				t.Errorf("the secret was printed: %s", said)
			}
			if out, err := exec.Command("grep", "-rl", "s3cr3t", m.cache, m.dir).Output(); err == nil {
				t.Errorf("the secret is in %s", out)
			}
		})
	}
	for line := range strings.Lines(string(read(t, folder+"/argv"))) {
		// What the user wrote there is there; what we add must not have it.
		if strings.Count(line, "s3cr3t") > strings.Count(line, "--dtlto-remote-header=") || strings.Contains(line, "distributor-arg=--remote-header") {
			t.Errorf("the secret is on LLD's command line: %s", line)
		}
	}
}

// members are the processes of a group.
func members(t *testing.T, group int) (pids []int) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(files) == 0 {
		t.Fatalf("no processes can be seen: %v", err)
	}
	for _, file := range files {
		stat, _ := os.ReadFile(file) // it may be gone
		var state string
		var parent, of int
		_, err := fmt.Sscan(string(stat[bytes.LastIndexByte(stat, ')')+1:]), &state, &parent, &of)
		if pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil && of == group {
			pids = append(pids, pid)
		}
	}
	return pids
}

func config(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dtlto.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRemoteInterrupted interrupts links whose compiles are on a cluster, and one that a
// hanging server keeps waiting: nothing of them is left.
func TestRemoteInterrupted(t *testing.T) {
	for _, mode := range modes {
		for _, method := range []string{"Execute", "GetCapabilities", "FindMissingBlobs"} {
			t.Run(fmt.Sprint(mode, " ", method), func(t *testing.T) {
				tr := smallTree(t, 22)
				server := reapitest.Start(t, reapitest.Options{Faults: []reapitest.Fault{{Kind: reapitest.Hang, Method: method}}})
				before := names(t, tr.dir)
				cmd := exec.Command(tr.driver, append(tr.inputs, "-flto=thin", "-fuse-ld=dtlto", "-o", "program", "-Wl,--dtlto-mode="+mode)...)
				cmd.Dir = tr.dir
				cmd.Env = append(os.Environ(), "DTLTO_REMOTE_EXECUTOR="+server.Address(), "DTLTO_REMOTE_COMPILER="+tr.driver,
					"DTLTO_CACHE_DIR="+t.TempDir(), "DTLTO_REMOTE_LOCAL_DELAY=3600")
				cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				for deadline := time.Now().Add(time.Minute); server.Stats().Calls[method] == 0; time.Sleep(10 * time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatal("the server was not called")
					}
				}
				send(t, -cmd.Process.Pid, syscall.SIGINT)
				if err := cmd.Wait(); err == nil {
					t.Error("clang exits with 0")
				}
				wantGone(t, members(t, cmd.Process.Pid))
				wantNames(t, tr.dir, before)
			})
		}
	}
}
