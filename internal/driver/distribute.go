// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/lld"
	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/stage"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// manyJobs is from how many jobs on memory is collected as usual. A job that is
// found in the cache allocates about 60 KB, most of it short-lived.
const manyJobs = 1000

// Distribute makes the native objects that a job file asks for, as LLD's
// distributor. What compilers print goes to messages, and with it what went
// wrong; the error says it again in one piece only for the exit code.
func Distribute(ctx context.Context, jobFile string, s *settings.Settings, connect Connect, messages io.Writer) error {
	connect = becomeRemote(s, connect)
	b := &backends{
		settings: s, started: time.Now(), mode: "native",
		pid: linkerPID(jobFile), written: fileTime(jobFile),
		// Of whoever else made a job file it is not known what becomes of the objects.
		links: strings.HasSuffix(jobFile, ".dist-file.json"),
	}
	var err error
	if b.jobs, err = thinlto.ReadFile(jobFile); err != nil {
		return err
	}
	if err := checkInputs(s.Inputs); err != nil {
		return err
	}
	if err := checkNames(b.jobs); err != nil {
		return err
	}
	if len(b.jobs.Jobs) == 0 {
		return nil // LLD's own cache had everything
	}
	called := b.started
	if began, ok := linkerStart(b.pid); ok {
		b.started = began
	}
	if b.view, err = openView(s, messages, b.jobs.Output, b.started); err != nil {
		return err
	}
	defer b.view.close()
	defer context.AfterFunc(ctx, b.view.clear)() // the shell's prompt is next
	b.view.start(b.mode, b.jobs.Output, b.jobs.Args[0], "", s)
	if called != b.started {
		b.view.addPhase(record.Phase{Name: "thin link", End: called.Sub(b.started)})
	}
	b.stage = stage.For(b.jobs.Output)
	defer b.removeStage()
	err = b.run(ctx, connect)
	b.conclude(err)
	return err
}

// collectLittle lets memory grow: a short life, and little memory, are not worth
// collecting, unless there are many jobs.
func collectLittle(jobs int) {
	if jobs < manyJobs {
		debug.SetGCPercent(1000)
	}
}

// run makes the objects of all jobs.
func (b *backends) run(ctx context.Context, connect Connect) error {
	collectLittle(len(b.jobs.Jobs))
	if err := b.open(); err != nil {
		return err
	}
	defer b.close(ctx)
	if err := b.connectCluster(ctx, connect); err != nil {
		return err
	}
	b.runner = b.newRunner()
	turns := b.shareProcessors()
	defer turns()
	err := b.compileAll(ctx)
	if broken := b.runner.TokenError; broken != nil {
		b.warn(fmt.Errorf("%w: compiles went on one by one", broken))
	}
	b.cluster.end(err != nil)
	return err
}

// newRunner is how many compiles there are at once, and where.
func (b *backends) newRunner() exec.Runner {
	r := exec.Runner{Slots: b.settings.Jobs, KeepGoing: b.settings.KeepGoing, MemoryFloor: b.settings.MinFreeMemory}
	if b.launcher != nil {
		r.MemoryFloor = 0 // it is others' memory
		if b.settings.LauncherJobs > 0 {
			r.Slots = b.settings.LauncherJobs
		}
	}
	if b.cluster != nil {
		// The client lets so many execute at once; others are looked up, sent and fetched
		// meanwhile.
		r.Away = b.settings.Remote().Jobs + 64
	}
	return r
}

func (b *backends) removeStage() {
	if err := b.stage.Remove(); err != nil {
		b.warn(err)
	}
}

// checkInputs finds a missing input once, before every compile trips over it.
func checkInputs(files []string) error {
	for _, file := range files {
		_, err := os.Stat(file)
		var reason *fs.PathError
		if errors.As(err, &reason) {
			return &UsageError{fmt.Errorf("%s: cannot be an input of every compile: %w", file, reason.Err)}
		}
	}
	return nil
}

// checkNames refuses modules that a backend would not find in its index: LLVM 13
// to 22 write names with bytes above 127 wrongly into index shards, and a
// backend that does not find itself may make a wrong object without a word.
func checkNames(f *thinlto.JobFile) error {
	for i := range f.Jobs {
		for k, path := range f.Jobs[i].Inputs {
			if k != 1 && !lld.IsASCII(path) { // the second is the index itself
				return fmt.Errorf("%s: not ASCII, and LLVM damages such names of modules in index shards: "+
					"rename it, or link with -fuse-ld=dtlto, which then links in-process", path)
			}
		}
	}
	return nil
}
