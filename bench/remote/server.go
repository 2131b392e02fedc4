// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/dtlto/dtlto/bench/measure"
)

// server is a process of bench/reapiserver.
type server struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	address string
}

// report is what it says, as far as we want to know.
type report struct {
	Calls, Uploads              map[string]int
	BlobsIn, BlobsOut           int64
	WireIn, WireOut             int64
	Asked, Executions, Running  int
	MaxRunning, MaxCalls, Blobs int
	CPU                         time.Duration

	// How long what was executed would have taken on a server that always had work;
	// when the first execution began, when as many had as there are slots, and when the
	// last one was to end.
	Ideal             time.Duration
	First, Full, Last time.Time
}

func startServer(ctx context.Context, bench *measure.Bench, slots int, sleep time.Duration, spread float64) (*server, error) {
	cmd := exec.CommandContext(ctx, bench.Program("reapiserver"), "-simulate", "-slots="+strconv.Itoa(slots),
		"-sleep="+sleep.String(), "-spread="+strconv.FormatFloat(spread, 'g', -1, 64))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, in: in, out: bufio.NewReader(out)}
	line, err := s.out.ReadString('\n')
	s.address = strings.TrimSpace(line)
	if err != nil {
		s.stop()
	}
	return s, err
}

// ask sends a line and takes the answer.
func (s *server) ask(line string) (r report, err error) {
	if _, err = fmt.Fprintln(s.in, line); err != nil {
		return r, err
	}
	answer, err := s.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(answer, &r)
	}
	return r, err
}

// stop ends the process.
func (s *server) stop() {
	s.in.Close()
	_, _ = io.Copy(io.Discard, s.out)
	_ = s.cmd.Wait()
}

// since is what happened between two reports.
func (r report) since(before report) report {
	r.Calls = maps.Clone(r.Calls)
	for method, n := range before.Calls {
		r.Calls[method] -= n
	}
	r.BlobsIn -= before.BlobsIn
	r.BlobsOut -= before.BlobsOut
	r.WireIn -= before.WireIn
	r.WireOut -= before.WireOut
	r.Executions -= before.Executions
	r.CPU -= before.CPU
	return r
}

// calls are all.
func (r report) calls() (n int) {
	for _, calls := range r.Calls {
		n += calls
	}
	return n
}

// twice says how many blobs were sent more than once.
func (r report) twice() (n int) {
	for _, times := range r.Uploads {
		if times > 1 {
			n++
		}
	}
	return n
}
