// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package channel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/bytestream"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/dtlto/dtlto/internal/remote"
)

// script writes a helper; $DIR in it is a folder of its own.
func script(t *testing.T, body string) (path, dir string) {
	dir = t.TempDir()
	path = filepath.Join(dir, "helper")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nDIR="+dir+"\necho run >> $DIR/runs\n"+body), 0o755); err != nil {
		t.Fatal(err)
	}
	return path, dir
}

func runs(t *testing.T, dir string) int {
	data, err := os.ReadFile(filepath.Join(dir, "runs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	return strings.Count(string(data), "run\n")
}

func helperFor(t *testing.T, path string, timeout time.Duration) *helper {
	h := shareHelper(helperKey{path, "https://cluster.example", timeout})
	t.Cleanup(h.close)
	return h
}

func TestHelperProtocol(t *testing.T) {
	path, dir := script(t, `echo "$@" > $DIR/args; cat > $DIR/request
echo '{"headers":{"Authorization":["Bearer `+secret+`"],"x-empty":[]},"expires":"2100-01-02T03:04:05+01:00","more":1}'`)
	s := &server{}
	c := open(t, "grpc://"+serve(t, s, nil), Execution, remote.Options{
		CredentialHelpers: []remote.CredentialHelper{{Path: path}},
		Headers:           []remote.Header{{Name: "authorization", Value: "static"}, {Name: "x-other", Value: "o"}},
	})
	for range 3 {
		if err := ask(t, c); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.header("authorization"); got != "Bearer "+secret {
		t.Errorf("authorization %q", got)
	}
	if s.header("x-other") != "o" || len(s.seen[0].Get("authorization")) != 1 {
		t.Errorf("headers %v", s.seen[0])
	}
	args, _ := os.ReadFile(filepath.Join(dir, "args"))
	request, _ := os.ReadFile(filepath.Join(dir, "request"))
	want := fmt.Sprintf(`{"uri":"https://%s"}`, c.address.dial)
	if string(args) != "get\n" || string(request) != want || runs(t, dir) != 1 {
		t.Errorf("%q, %q, %d runs; want %q", args, request, runs(t, dir), want)
	}
	if until := c.helper.current.expires; !until.Equal(time.Date(2100, 1, 2, 2, 4, 5, 0, time.UTC)) {
		t.Errorf("expires %s", until)
	}
}

func TestHelpersThatFail(t *testing.T) {
	for body, want := range map[string]string{
		"echo " + secret + "; echo; echo one >&2; echo two >&2; exit 3": "exited with 3: one",
		"echo " + secret: "something else than the JSON",
		"echo '{\"headers\":[\"" + secret + "\"]}'": "something else than the JSON",
		"exit 0":                            "printed nothing",
		"kill -9 $$":                        "was ended by a signal",
		"head -c 2000000 /dev/zero":         "printed more than",
		"printf '\\033[31mred' >&2; exit 1": "exited with 1: [31mred",
		`echo '{"headers":{"te":["` + secret + `"]}}'`:         "header te is gRPC's",
		`printf '%s' '{"headers":{"a":["` + secret + `\n"]}}'`: "line break",
		`echo '{"expires":"tomorrow"}'`:                        "time of expiry",
		"sleep 60 & echo $! > $DIR/child; sleep 60":            "did not answer within 700ms, which is --credential-helper-timeout",
	} {
		path, dir := script(t, body)
		c := open(t, "grpc://localhost:1", Storage, remote.Options{
			CredentialHelpers: []remote.CredentialHelper{{Path: path}}, CredentialHelperTimeout: 700 * time.Millisecond, Retries: 5,
		})
		for range 2 {
			err := ask(t, c)
			line(t, err, "credential helper "+path, want, "check --credential-helper")
			final(t, err)
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "\x1b") {
				t.Errorf("too much in %q", err)
			}
		}
		if n := runs(t, dir); n != 1 {
			t.Errorf("%s: %d runs", body, n)
		}
		if child, err := os.ReadFile(filepath.Join(dir, "child")); err == nil {
			ended(t, strings.TrimSpace(string(child)))
		}
	}
}

// ended waits for a process to be gone, or a zombie of somebody else's.
func ended(t *testing.T, pid string) {
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		stat, _ := os.ReadFile("/proc/" + pid + "/stat")
		if syscall.Kill(n, 0) != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d still runs", n)
}

func TestHelperThatIsMissing(t *testing.T) {
	for path, want := range map[string]string{
		"/no/such/helper":                  "no such file",
		"no-such-helper":                   "not found in",
		writeFile(t, "helper", nil, 0o644): "permission denied",
	} {
		_, err := Open("grpcs://a", Storage, &remote.Options{CredentialHelpers: []remote.CredentialHelper{{Path: path}}})
		line(t, err, "--credential-helper: "+path, want)
	}
}

func TestHelperWithABackgroundProcess(t *testing.T) {
	path, dir := script(t, "echo '{}'; sleep 60 & echo $! > $DIR/child")
	h := helperFor(t, path, 10*time.Second)
	began := time.Now()
	if _, err := h.get(t.Context()); err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	child, _ := os.ReadFile(filepath.Join(dir, "child"))
	if pid, err := strconv.Atoi(strings.TrimSpace(string(child))); err == nil {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func TestOneRunForManyCalls(t *testing.T) {
	path, dir := script(t, "sleep 0.2; echo '{}'")
	var all sync.WaitGroup
	for range 4 { // channels
		c := open(t, "grpc://"+serve(t, &server{}, nil), Execution, remote.Options{})
		c.helper = helperFor(t, path, 10*time.Second)
		for range 8 {
			all.Go(func() {
				if err := ask(t, c); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if n := runs(t, dir); n != 1 {
		t.Errorf("%d runs", n)
	}
}

func TestCloseEndsAHelper(t *testing.T) {
	path, dir := script(t, "echo $$ > $DIR/pid.new; mv $DIR/pid.new $DIR/pid; sleep 60")
	h := shareHelper(helperKey{path, "https://a", time.Minute})
	ctx, cancel := context.WithCancelCause(t.Context())
	got := make(chan error)
	go func() { _, err := h.get(ctx); got <- err }()
	var pid []byte
	for len(pid) == 0 {
		time.Sleep(5 * time.Millisecond)
		pid, _ = os.ReadFile(filepath.Join(dir, "pid"))
	}
	why := errors.New("interrupted")
	cancel(why)
	if err := <-got; !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
	h.close()
	ended(t, strings.TrimSpace(string(pid)))
}

func TestHelperRenewal(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	path, dir := script(t, `test -e $DIR/broken && exit 1
echo '{"expires":"'$(cat $DIR/expires)'"}'`)
	h := helperFor(t, path, 10*time.Second)
	h.now = func() time.Time { return now }
	expire := func(d time.Duration) {
		if err := os.WriteFile(filepath.Join(dir, "expires"), []byte(now.Add(d).Format(time.RFC3339)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	step := func(want int, then time.Duration) {
		t.Helper()
		if _, err := h.get(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.runs.Wait()
		if n := runs(t, dir); n != want {
			t.Fatalf("%d runs, want %d", n, want)
		}
		now = now.Add(then)
	}
	expire(time.Hour)
	step(1, 58*time.Minute)
	step(1, 90*time.Second) // 30 seconds before it expires: in the background
	expire(20 * time.Second)
	step(2, 17*time.Second)
	step(2, 2*time.Second) // a tenth before
	if err := os.WriteFile(filepath.Join(dir, "broken"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	step(3, 500*time.Millisecond) // fails, but the old one is good
	step(3, time.Second)
	if _, err := h.get(t.Context()); err == nil || runs(t, dir) != 4 {
		t.Errorf("%v, %d runs", err, runs(t, dir))
	}
	_ = os.Remove(filepath.Join(dir, "broken"))
	expire(-time.Hour) // it had expired when it came: used all the same
	step(5, 5*time.Second)
	step(5, 6*time.Second)
	step(6, 0)
}

func TestUnauthenticatedRenewsOnce(t *testing.T) {
	path, dir := script(t, `echo '{"headers":{"authorization":["Bearer '$(cat $DIR/token)'"]}}'`)
	token := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "token"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := &server{answer: func(ctx context.Context, _ *bytestream.QueryWriteStatusRequest) (*bytestream.QueryWriteStatusResponse, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		if got := md.Get("authorization"); len(got) != 1 || got[0] != "Bearer good" {
			return nil, status.Errorf(codes.Unauthenticated, "token %v is no good", got)
		}
		return &bytestream.QueryWriteStatusResponse{}, nil
	}}
	c := open(t, "grpc://"+serve(t, s, nil), Execution, remote.Options{CredentialHelpers: []remote.CredentialHelper{{Path: path}}})
	late := time.Now().Add(time.Minute)
	token("good")
	if err := ask(t, c); err != nil {
		t.Fatal(err)
	}
	c.helper.current.headers[1] = "Bearer revoked"
	c.helper.now = func() time.Time { return late }
	if err := ask(t, c); err != nil || runs(t, dir) != 2 {
		t.Errorf("%v, %d runs", err, runs(t, dir))
	}
	token("very-bad")
	c.helper.now = func() time.Time { return late.Add(time.Minute) }
	c.helper.current.headers[1] = "Bearer revoked"
	err := ask(t, c)
	line(t, err, "unauthenticated: token [[hidden]] is no good", "expired", "--credential-helper (in use: "+path)
	final(t, err)
	if status.Code(err) != codes.Unauthenticated || runs(t, dir) != 3 {
		t.Errorf("%v, %d runs", status.Code(err), runs(t, dir))
	}
}
