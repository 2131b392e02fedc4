// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"testing"

	"github.com/dtlto/dtlto/internal/cas"
)

// When a compiler is replaced, all modules are compiled, and their actions
// before have little that is not in the new ones.
func TestEncodingSize(t *testing.T) {
	l := sampleLink(500)
	for i := range l.Jobs {
		l.Jobs[i].Before = nil
	}
	alone := len(encoded(t, l))
	for i := range l.Jobs {
		before := *l.Jobs[i].Action
		before.Key, before.Toolchain = cas.ActionKey(digestOf(i+1<<22, 142)), "cd"
		l.Jobs[i].Before = &before
	}
	both := len(encoded(t, l))
	if perJob := float64(both-alone) / 500; perJob > 45 {
		t.Errorf("%.1f bytes for the action before", perJob)
	}
	if perJob := float64(alone) / 500; perJob > 265 {
		t.Errorf("%.1f bytes for a job and its file", perJob)
	}
}

// A run takes few bytes, also when all modules were compiled.
func TestEncodingSizeOfRuns(t *testing.T) {
	l := sampleLink(500)
	size := func(run func(i int) *Run) float64 {
		for i := range l.Jobs {
			l.Jobs[i].Run = run(i)
		}
		return float64(len(encoded(t, l))) / 500
	}
	none := size(func(int) *Run { return nil })
	here := size(func(i int) *Run { return sampleRun(20*i, l.Jobs[i].Duration) }) - none
	cluster := size(func(i int) *Run { return sampleRun(20*i+13, l.Jobs[i].Duration) }) - none
	t.Logf("%.1f bytes for a run here, %.1f on the cluster", here, cluster)
	if here > 22 || cluster > 34 {
		t.Errorf("%.1f bytes for a run here, %.1f on the cluster", here, cluster)
	}
}
