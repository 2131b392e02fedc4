// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dtlto/dtlto/internal/action"
	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/stage"
	"github.com/dtlto/dtlto/internal/thinlto"
	"github.com/dtlto/dtlto/internal/toolchain"
)

// backends are the backend compiles of one link, and what they have in common.
type backends struct {
	settings *settings.Settings
	jobs     *thinlto.JobFile
	pid      int      // the linker's, 0 if not known
	extra    []string // files that every job reads
	started  time.Time
	written  time.Time // when the clock of the file system said so, at the latest now
	links    bool      // the linker reads the objects and removes them: hard links do
	mode     string    // "native", "staged", or empty
	edge     bool      // one compile of a build system's: no word is added, and no record kept

	output, folder string // absolute paths of the output and of our working folder

	major             int                                // of the compiler's version, 0 for LLVM 21 or newer
	compiler          string                             // absolute path
	identity          func() (toolchain.Identity, error) // of the compiler; waits until it is known
	actionEnvironment []string                           // of actions
	environment       []string                           // of other commands

	turns string // how the processors are shared with others, empty if they are not

	uncached error     // why nothing is kept; if it is not nil, the next three are
	store    *cas.Disk // where results are
	digests  *record.Digests
	before   *record.Link // what is known of the link before; nil also if nothing is

	records string        // the folder of link records
	matches []*record.Job // what the link before knows of each job; nil if nothing

	stage   *stage.Stage
	parts   moduleFiles
	cluster *cluster // nil if everything is compiled here

	launcher *launcher // nil if compilers are started as they are

	view *view

	mu      sync.Mutex   // of what the user is told, and of the following
	done    []record.Job // what the next link is to know
	actions []string     // in print, if they are to be printed
	inputs  map[string]*record.Input
	counts  [record.Outcomes]int
	cpu     time.Duration // of compilers
	memory  int64         // the most that one of them had, in bytes

	runner exec.Runner
}

// real is a module's name for people.
func (b *backends) real(path string) string { return action.ModuleID(path, b.jobs.Output, b.pid) }

// open gets ready what the compiles need. The stage must be there.
func (b *backends) open() error {
	var err error
	if b.compiler, err = exec.FindCompiler(b.jobs.Args[0]); err != nil {
		return err
	}
	if b.settings.CacheDir != "" {
		toolchain.RememberIn(b.settings.CacheDir)
	}
	if b.identity == nil {
		b.identity = identify(b.compiler)
	}
	if b.launcher, err = newLauncher(b.settings.Launcher); err != nil {
		return err
	}
	b.extra = distinct(slices.Concat(b.jobs.Inputs, b.settings.Inputs))
	b.environment, b.actionEnvironment = compilerEnvironment(), actionEnvironment()
	if b.output, err = filepath.Abs(b.jobs.Output); err != nil {
		return err
	}
	if b.folder, err = os.Getwd(); err != nil {
		return err
	}
	for _, warning := range settings.Misspelt(os.Environ()) {
		b.view.warn(warning)
	}
	b.done = make([]record.Job, len(b.jobs.Jobs))
	if b.settings.PrintAction {
		b.actions = make([]string, len(b.jobs.Jobs))
	}
	b.inputs = map[string]*record.Input{}
	b.parts.parts = b.jobs.Parts
	b.openCache()
	return nil
}

// identify begins to find a compiler's identity, and gives what waits for it: it
// takes 2 ms, in which jobs can be planned. The error is why there is none.
func identify(compiler string) func() (toolchain.Identity, error) {
	identity := sync.OnceValues(func() (toolchain.Identity, error) {
		identity, err := toolchain.Identify(compiler)
		if err == nil {
			err = toolchain.CompilesItself(compiler)
		}
		return identity, err
	})
	go func() { _, _ = identity() }()
	return identity
}

// linkerPID reads the linker's process id out of a job file's name,
// "OUTPUT.PID.dist-file.json". LLD puts it into the names of files.
func linkerPID(jobFile string) int {
	name, ok := strings.CutSuffix(filepath.Base(jobFile), ".dist-file.json")
	pid, err := strconv.Atoi(name[strings.LastIndexByte(name, '.')+1:])
	if !ok || err != nil || pid < 0 {
		return 0
	}
	return pid
}

// compileAll plans all jobs, those that will take longest first, takes from the store
// what it has, and compiles the rest meanwhile.
func (b *backends) compileAll(ctx context.Context) error {
	defer b.view.phase("compile")()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	queue := exec.Queue{Patience: b.patience()}
	planned := make(chan struct{})
	go func() {
		defer close(planned)
		defer queue.Close()
		if err := b.planAll(ctx, &queue); err != nil {
			stop(err)
		}
	}()
	err := b.runner.Run(ctx, &queue) // why planning failed, if it did
	stop(err)
	<-planned
	return err
}

// planAll plans all jobs, takes from the store what it has, and gives the rest to
// the queue.
func (b *backends) planAll(ctx context.Context, queue *exec.Queue) error {
	defer b.view.phase("look up")()
	weights, measured := b.weights()
	b.tellPlan(weights, measured)
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(weights[j], weights[i]) })
	defer b.printActions()
	return inParallel(b.settings.Jobs, len(order), func(i int) error {
		queue.AwaitRoom(ctx.Done(), plannedAhead)
		if err := context.Cause(ctx); err != nil {
			return err
		}
		p, err := b.plan(order[i])
		if err != nil {
			return err
		}
		b.done[p.number] = b.remembered(p)
		if b.settings.PrintAction {
			b.actions[p.number] = p.String()
		}
		known, err := b.restore(ctx, p)
		if !known && err == nil {
			queue.Add(b.compileOf(p, weights[p.number]))
		}
		return err
	})
}

// plannedAhead is how many jobs wait for a slot on the cluster at most before others are
// planned: what is planned is in memory, and planning takes the processors from sending.
const plannedAhead = 128

// compileOf is how a job is compiled: here or, as a pure function, on the cluster.
func (b *backends) compileOf(p *planned, weight time.Duration) exec.Compile {
	c := exec.Compile{
		Do: func(ctx context.Context, slot exec.Slot) error {
			return b.attempt(p, false, slot.Number, func(a *attempt) error { return b.compile(ctx, slot.Run, a) })
		},
		Weight: int64(weight),
	}
	if b.cluster != nil && p.action != nil && b.digests != nil {
		p.twinned = true
		c.Away = func(ctx context.Context, slot int) error {
			return b.attempt(p, true, slot, func(a *attempt) error { return b.cluster.away(ctx, a) })
		}
	}
	return c
}

// restore takes the outputs of a job from the store, if it has them.
func (b *backends) restore(ctx context.Context, p *planned) (bool, error) {
	if p.uncached != nil {
		return false, nil
	}
	result, err := cas.Restore(ctx, b.store, p.key, p.places())
	if errors.As(err, &p.miss) {
		return false, nil
	}
	if err == nil {
		b.note(p, record.Cached, result)
		if b.view.log != nil {
			b.tellOver(p.number)
		}
	}
	return err == nil, err
}

// ran counts what a compiler used.
func (b *backends) ran(r exec.Ran) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cpu += r.CPU
	b.memory = max(b.memory, r.Memory)
}

// printActions prints what goes into each job's digest, in the order of the jobs.
func (b *backends) printActions() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.actions {
		_, _ = io.WriteString(b.view.messages, text)
	}
}

// compilerEnvironment is others' less the variables that change what clang does with a
// command line: in-process LTO does not read them.
func compilerEnvironment() []string {
	return slices.DeleteFunc(toolchain.Environment(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return name == "CCC_OVERRIDE_OPTIONS" || name == "CCC_ADD_ARGS"
	})
}

// actionEnvironment is that of an action, none, with what this machine needs to
// run a program at all: nothing that an object depends on, but for libraries,
// and those are in the toolchain's identity.
func actionEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		switch strings.ToUpper(name) {
		case "TMPDIR", "TMP", "TEMP", "LD_LIBRARY_PATH", "LD_PRELOAD", "SYSTEMROOT":
			return false
		}
		return true
	})
}

// inParallel calls f for 0 to n-1 from several goroutines and returns the first
// error, after which no more calls are begun.
func inParallel(workers, n int, f func(int) error) error {
	var (
		next   atomic.Int64
		failed atomic.Pointer[error]
		wait   sync.WaitGroup
	)
	for range min(workers, n) {
		wait.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := f(i); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wait.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
