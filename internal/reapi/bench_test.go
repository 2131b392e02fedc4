// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build unix

package reapi

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/reapi/reapitest"
	"github.com/dtlto/dtlto/internal/remote"
)

// The benchmark's link.
const (
	benchJobs     = 5000
	benchImports  = 100      // each job imports them all
	benchInFlight = 256      // jobs under way
	benchOutput   = 20 << 10 // bytes of an object
)

const serverVariable = "DTLTO_REAPI_BENCH_SERVER"

// The server of the benchmark is a process of its own, so that what is measured is
// the client's.
func TestMain(m *testing.M) {
	if os.Getenv(serverVariable) != "" {
		serve()
		return
	}
	os.Exit(m.Run())
}

func serve() {
	length, _ := time.ParseDuration(os.Getenv(serverVariable))
	s, err := reapitest.Listen(reapitest.Options{Slots: benchInFlight, Simulation: &reapitest.Simulation{Duration: length, Size: benchOutput}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer s.Close()
	fmt.Println(s.Address())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		switch lines.Text() {
		case "forget":
			s.EvictResults()
		case "stats":
		}
		_ = json.NewEncoder(os.Stdout).Encode(s.Stats())
	}
}

// process is such a server.
type process struct {
	b       *testing.B
	in      io.WriteCloser
	out     *bufio.Reader
	address string
}

// startProcess starts one whose compiles take as long as is said.
func startProcess(b *testing.B, length time.Duration) *process {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverVariable+"="+length.String())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	p := &process{b: b, in: in, out: bufio.NewReader(out)}
	line, err := p.out.ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	p.address = strings.TrimSpace(line)
	return p
}

func (p *process) tell(what string) (s reapitest.Stats) {
	fmt.Fprintln(p.in, what)
	line, err := p.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s)
	}
	if err != nil {
		p.b.Fatal(err)
	}
	return s
}

// benchLink makes the jobs. Their own inputs are files.
func benchLink(b *testing.B, n int) []*remote.Action {
	dir := b.TempDir()
	inputs := map[string]remote.Blob{}
	for i := range benchImports {
		inputs[fmt.Sprintf("%02d.bc", i+1)] = benchFile(b, dir, random(uint64(i), 30<<10))
	}
	jobs := make([]*remote.Action, n)
	for i := range jobs {
		inputs["00.bc"] = benchFile(b, dir, random(uint64(1000+i), 8<<10))
		inputs["00.thinlto.bc"] = benchFile(b, dir, random(uint64(100000+i), 2<<10))
		jobs[i] = job(fmt.Sprintf("module%d.o", i), "true", inputs, "00.o")
	}
	return jobs
}

func benchFile(b *testing.B, dir string, data []byte) remote.Blob {
	d := cas.DigestOf(data)
	path := filepath.Join(dir, d.String()[:64])
	if err := os.WriteFile(path, data, 0o666); err != nil {
		b.Fatal(err)
	}
	return remote.Blob{Digest: d, Open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

// BenchmarkLink is 5,000 jobs that share 100 imports: nothing known to the server, all
// blobs there, all results there.
func BenchmarkLink(b *testing.B) {
	p, jobs := startProcess(b, 0), benchLink(b, benchJobs)
	for _, kind := range []string{"cold", "warm", "cached"} {
		b.Run(kind, func(b *testing.B) {
			for range b.N {
				if kind == "warm" {
					p.tell("forget")
				}
				benchOnce(b, p, jobs, benchInFlight, kind == "cached")
			}
		})
	}
}

// BenchmarkMakespan is ten rounds of compiles that take half a second each, cold, with half
// as many again under way as there are workers: how much longer than five seconds is it?
func BenchmarkMakespan(b *testing.B) {
	const length, rounds = 500 * time.Millisecond, 10
	jobs := benchLink(b, rounds*benchInFlight)
	for range b.N {
		wall := benchOnce(b, startProcess(b, length), jobs, benchInFlight*3/2, false)
		b.ReportMetric(wall.Seconds()/(rounds*length).Seconds(), "of-ideal")
	}
}

func benchOnce(b *testing.B, p *process, jobs []*remote.Action, inFlight int, cached bool) time.Duration {
	c, err := Connect(remote.Options{Executor: p.address, Retries: 5, Connections: 4, Jobs: inFlight, Tool: "dtlto", Invocation: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // the jobs themselves are a large heap
	runtime.GC()
	before, used, begun, heap, bytes := p.tell("stats"), processorTime(), time.Now(), watchHeap(), allocated()
	compile(b, c, jobs, inFlight, cached)
	wall, used := time.Since(begun), processorTime()-used
	most := heap()
	b.ReportMetric((allocated()-bytes)/float64(len(jobs)), "allocated-B/job")
	after := p.tell("stats")
	c.Close()
	n := float64(len(jobs))
	t := c.Traffic()
	b.ReportMetric(float64(used.Microseconds())/n, "cpu-µs/job")
	b.ReportMetric(float64(wall.Microseconds())/n, "wall-µs/job")
	b.ReportMetric(float64(t.Calls)/n, "calls/job")
	b.ReportMetric(float64(t.Sent)/n, "sent-B/job")
	b.ReportMetric(float64(t.Received)/n, "received-B/job")
	b.ReportMetric(float64(most)/(1<<20), "live-MiB")
	b.ReportMetric(float64(after.WireIn-before.WireIn)/n, "wire-in-B/job")
	for method, calls := range after.Calls {
		b.Logf("%s: %d calls", method, calls-before.Calls[method])
	}
	if t.Retries > 0 || t.Abandoned > 0 {
		b.Errorf("%+v", t)
	}
	for d, times := range after.Uploads {
		if times != 1 {
			b.Errorf("blob %s was sent %d times", d, times)
		}
	}
	return wall
}

func compile(b *testing.B, c *Client, jobs []*remote.Action, inFlight int, cached bool) {
	dir := b.TempDir()
	next := make(chan int)
	var wg sync.WaitGroup
	for range inFlight {
		wg.Go(func() {
			for i := range next {
				if err := compileOne(b, c, jobs[i], filepath.Join(dir, fmt.Sprint(i)), cached); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range jobs {
		next <- i
	}
	close(next)
	wg.Wait()
}

func compileOne(b *testing.B, c *Client, a *remote.Action, path string, cached bool) error {
	ctx := b.Context()
	var r remote.Result
	var err error
	if cached {
		var ok bool
		if r, ok, err = c.Result(ctx, a); err == nil && !ok {
			return fmt.Errorf("%s: not known", a.Module)
		}
	} else {
		r, err = c.Execute(ctx, a, false)
	}
	if err != nil {
		return err
	}
	return c.Fetch(ctx, []remote.File{{Output: r.Outputs[0], Path: path}})
}

func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// watchHeap looks every 10 ms at how much of the heap was in use when it was last
// collected, and gives the most beyond what there was at first.
func watchHeap() func() uint64 {
	start := liveHeap()
	most, stop, done := start, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				most = max(most, liveHeap())
			}
		}
	}()
	return func() uint64 { close(stop); <-done; return most - start }
}

func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// allocated is all that was ever allocated.
func allocated() float64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return float64(sample[0].Value.Uint64())
}
