// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"strconv"
	"sync"
	"testing"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/protobuf/proto"
)

// BenchmarkSimulated is what the server itself costs: actions with 100 inputs
// that take 50 ms on 256 slots, all known beforehand. "slowdown" is the time of
// all by the least possible.
func BenchmarkSimulated(b *testing.B) {
	const slots, took = 256, 50 * time.Millisecond
	s, c := start(b, Options{Slots: slots, Simulation: &Simulation{Duration: took, Size: 20_000}})
	root := &repb.Directory{}
	for i := range 100 {
		root.Files = append(root.Files, &repb.FileNode{Name: strconv.Itoa(i), Digest: s.Put(noise(strconv.Itoa(i), 1000))})
	}
	folder, _ := proto.Marshal(root)
	actions := make(chan *repb.Digest, b.N)
	for i := range b.N {
		command, _ := proto.Marshal(&repb.Command{Arguments: []string{strconv.Itoa(i)}, OutputPaths: []string{"o"}})
		action, _ := proto.Marshal(&repb.Action{CommandDigest: s.Put(command), InputRootDigest: s.Put(folder)})
		actions <- s.Put(action)
	}
	close(actions)
	b.ResetTimer()
	var all sync.WaitGroup
	for range min(slots, b.N) {
		all.Go(func() {
			for d := range actions {
				stream, err := c.Execute(c.ctx, &repb.ExecuteRequest{ActionDigest: d, InlineOutputFiles: []string{"o"}})
				if err != nil {
					b.Error(err)
					return
				}
				if out, _, err := follow(stream); err != nil || len(out.Result.OutputFiles[0].Contents) != 20_000 {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	rounds := (b.N + slots - 1) / slots
	b.ReportMetric(float64(s.Stats().MaxRunning), "running")
	b.ReportMetric(float64(b.Elapsed())/float64(time.Duration(rounds)*took), "slowdown")
}
