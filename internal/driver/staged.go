// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/lld"
	"github.com/dtlto/dtlto/internal/object"
	"github.com/dtlto/dtlto/internal/report"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/stage"
	"github.com/dtlto/dtlto/internal/thinlto"
	"github.com/dtlto/dtlto/internal/toolchain"
)

// staged is a link that dtlto does itself: LLD's thin link, the backends, and LLD's
// link of their objects.
type staged struct {
	command  *lld.Command
	settings *settings.Settings
	program  *Program
	lld      string // path
	major    int    // of its version
	clang    string
	identity func() (toolchain.Identity, error) // of clang
	backend  *lld.Backend
	stage    *stage.Stage
	root     string // the stage's folder
	started  time.Time
	view     *view
	backends *backends // nil until there are any

	thin   lld.ThinLink
	hidden *lld.Hidden
	files  snapshot
	before os.FileInfo // what is there of the output; nil if nothing is
	traced []string    // what the thin link said it loaded
	said   string      // the thin link's other messages
}

// beginStaged is a link that dtlto does itself, or a part of one, with a view that shows
// nothing.
func beginStaged(c *lld.Command, path string, s *settings.Settings, program *Program) *staged {
	now := time.Now()
	return &staged{
		command: c, settings: s, program: program, lld: path, started: now, files: snapshot{},
		view: &view{messages: program.Err, started: now, output: c.Output()},
	}
}

// newStaged gets a staged link ready. The error is an *inProcess when it cannot be
// done.
func newStaged(c *lld.Command, path string, s *settings.Settings, program *Program) (*staged, error) {
	l := beginStaged(c, path, s, program)
	for _, step := range []func() error{l.checkFiles, l.readOptions, l.limitJobs} {
		if err := step(); err != nil {
			return nil, &inProcess{err, true}
		}
	}
	output, err := filepath.Abs(c.Output())
	if err != nil {
		return nil, err
	}
	l.stage = stage.For(output)
	if err := checkInputs(s.Inputs); err != nil {
		return nil, err
	}
	if l.view, err = openView(s, program.Err, output, l.started); err == nil {
		l.view.start("staged", output, l.clang, "", s)
	}
	return l, err
}

// checkFiles refuses what cannot be read several times or lain beside.
func (l *staged) checkFiles() error {
	if os.Getenv("LLD_REPRODUCE") != "" {
		return errors.New("LLD_REPRODUCE is set, which packs one link up, and dtlto does two")
	}
	if err := l.command.OnceOnly(); err != nil {
		return err
	}
	if info, err := os.Stat(l.command.Output()); err == nil {
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is no regular file, beside which files could be put", l.command.Output())
		}
		l.before = info
	}
	return nil
}

// readOptions finds the clang of the backends and what it is to be told.
func (l *staged) readOptions() error {
	version, err := toolchain.LLDVersion(l.lld)
	if err != nil {
		return err
	}
	l.major = version.Major
	if err := l.command.StagedObstacle(l.major); err != nil {
		return err
	}
	if l.clang, err = backendCompiler(l.command, l.lld); err != nil {
		return err
	}
	known := func(name string) (bool, error) { return toolchain.KnowsLLVMOption(l.clang, name) }
	if l.backend, err = l.command.StagedBackend(l.major, known); err != nil {
		return err
	}
	l.identity = identify(l.clang)
	return nil
}

// limitJobs takes over LLD's own limit unless there is one for dtlto.
func (l *staged) limitJobs() error {
	for _, arg := range l.command.Args {
		if name, _, own := lld.OwnOption(arg); own && name == "jobs" {
			return nil
		}
	}
	if n, ok := jobsOf(l.command); ok {
		return l.settings.Set("jobs", n)
	}
	return nil
}

// link does the link and returns the linker's exit code. The error is an *inProcess
// if LLD must do it alone, over whatever is there of the output.
func (l *staged) link(ctx context.Context) (code int, err error) {
	defer func() {
		if removed := l.stage.Remove(); removed != nil && err == nil {
			l.view.warn(removed)
		}
		l.conclude(code, err)
	}()
	defer context.AfterFunc(ctx, l.view.clear)() // the shell's prompt is next
	load, err := l.thinLink(ctx)
	if err != nil {
		return 0, err
	}
	final, jobs, err := l.plan(load)
	if err != nil {
		return 0, err
	}
	if err := l.makeObjects(ctx, final, jobs); err != nil {
		return 0, err
	}
	return l.finalLink(ctx, final)
}

// conclude says how the link ended.
func (l *staged) conclude(code int, err error) {
	if err == nil && code != 0 {
		err = fmt.Errorf("%s exited with %d", l.lld, code)
	}
	if l.backends != nil {
		l.backends.conclude(err)
	} else if err != nil {
		l.view.end(&report.End{Error: err.Error()})
	}
	l.view.close()
}

// makeObjects makes all that the final link needs. If it fails because an input was
// changed, LLD alone may come to an end.
func (l *staged) makeObjects(ctx context.Context, final *lld.FinalLink, jobs *thinlto.JobFile) error {
	err := l.lay(final)
	if err != nil {
		return &inProcess{err, true}
	}
	if err = l.compile(ctx, jobs); err == nil {
		err = l.hide(ctx, final, jobs.Args)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	if changed := l.files.check(); changed != nil {
		return changed
	}
	if !errors.As(err, new(*inProcess)) {
		_, _ = io.WriteString(l.view.messages, l.said)
	}
	return err
}

// spareLevels are levels for what dependent-library records name by paths with "..":
// only LLD reads these.
const spareLevels = 8

// thinLink has LLD resolve symbols, write an index for each module and say what it
// loaded. Whatever is wrong with it, LLD shall say itself, in-process.
func (l *staged) thinLink(ctx context.Context) (*lld.Load, error) {
	if err := l.makeRoom(); err != nil {
		return nil, &inProcess{err, true}
	}
	defer l.view.phase("thin link")()
	l.files.add(l.command.ReadFiles()...)
	since := fileTime(l.root)
	var out, messages bytes.Buffer
	code, err := l.runLLD(ctx, l.coloured(l.thin.Words(l.command)), &out, &messages)
	if err != nil {
		return nil, err
	}
	if code != 0 {
		return nil, &inProcess{error: errors.New("the thin link stops with an error, which LLD says next")}
	}
	l.traced = strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	l.said = messages.String()
	load, err := l.readLoad()
	if err != nil {
		return nil, &inProcess{err, true}
	}
	return load, l.checkLoaded(load, since)
}

// openStage makes the stage, and in it a folder for what is about the link.
func (l *staged) openStage() (folder string, err error) {
	list, err := l.stage.Path("thin", "list")
	if err != nil {
		return "", err
	}
	folder = filepath.Dir(list)
	l.root = filepath.Dir(folder)
	l.thin = lld.ThinLink{List: list, Combined: filepath.Join(folder, "combined.o")}
	return folder, nil
}

// makeRoom makes the folders for the thin link's files. No module's name must lead out
// of them.
func (l *staged) makeRoom() error {
	folder, err := l.openStage()
	if err != nil {
		return err
	}
	prefix := filepath.Join(folder, "index") + strings.Repeat("/up", l.command.DeepestClimb()+spareLevels) + "/"
	if strings.Contains(prefix, ";") {
		return fmt.Errorf("%s has a semicolon, with which LLD cannot be told where to put index files", prefix)
	}
	l.thin.Prefix = prefix
	return os.MkdirAll(prefix, 0o777)
}

// readLoad finds out what the thin link loaded.
func (l *staged) readLoad() (*lld.Load, error) {
	text, err := os.ReadFile(l.thin.List)
	if err != nil {
		return nil, fmt.Errorf("the thin link made no list of modules: %w", err)
	}
	ids, err := l.thin.IDs(string(text))
	if err != nil {
		return nil, err
	}
	return l.command.ReadLoad(l.traced, ids)
}

// checkLoaded refuses a link whose output is among what was loaded, and one in which
// something was loaded that nobody could look at before and that has changed since.
func (l *staged) checkLoaded(load *lld.Load, since time.Time) error {
	for i := range load.Loaded {
		file := load.Loaded[i].File
		if info, err := os.Stat(file); err == nil && l.before != nil && os.SameFile(info, l.before) {
			return &inProcess{fmt.Errorf("%s is the output, too", file), true}
		}
		if err := l.files.addOld(file, since); err != nil {
			return err
		}
	}
	return nil
}

// plan says what the backends are to do, and what is to be done with their objects.
func (l *staged) plan(load *lld.Load) (*lld.FinalLink, *thinlto.JobFile, error) {
	jobs, combined := l.jobFile(load)
	if len(jobs.Args) == 0 {
		return nil, nil, &inProcess{error: errors.New("none of the ThinLTO bitcode is needed")}
	}
	if n, ok := l.command.Last("lto-partitions"); combined != "" && ok && n != "1" {
		return nil, nil, &inProcess{fmt.Errorf("--lto-partitions=%s makes several objects of regular LTO", n), true}
	}
	var err error
	if l.hidden, err = load.Hidden(l.settings.Jobs); err != nil {
		return nil, nil, &inProcess{err, true}
	}
	final, err := load.FinalLink(filepath.Join(l.root, "final"), combined, l.side())
	if err == nil {
		err = l.addJobs(jobs, load, final.Objects)
	}
	if err != nil {
		return nil, nil, &inProcess{err, true}
	}
	return final, jobs, nil
}

// jobFile is what the jobs have in common, and the object of regular LTO if there is
// any.
func (l *staged) jobFile(load *lld.Load) (jobs *thinlto.JobFile, combined string) {
	jobs = &thinlto.JobFile{
		Output: l.command.Output(), Inputs: distinct(slices.Concat(l.backend.Inputs, l.settings.Inputs)), Parts: map[string]object.Part{},
	}
	for i := range load.Loaded {
		m := &load.Loaded[i]
		if m.Kind == lld.Regular || m.Split {
			combined = l.thin.Combined
		}
		if m.Kind != lld.Module {
			continue
		}
		if len(jobs.Args) == 0 {
			jobs.Args = append([]string{l.clang}, l.backend.Words(m.Triple)...)
		}
		if m.File != m.ID || m.Offset != 0 {
			jobs.Parts[m.ID] = object.Part{File: m.File, Offset: m.Offset, Size: m.Size}
		}
	}
	return jobs, combined
}

// addJobs adds a job for each module. objects are where their objects belong.
func (l *staged) addJobs(jobs *thinlto.JobFile, load *lld.Load, objects []string) error {
	for i := range load.Loaded {
		if m := &load.Loaded[i]; m.Kind == lld.Module {
			job, err := l.job(m, objects[len(jobs.Jobs)])
			if err != nil {
				return err
			}
			jobs.Jobs = append(jobs.Jobs, job)
		}
	}
	return nil
}

// side is where the final link writes what is about the link, until it is translated.
func (l *staged) side() lld.SideOutputs {
	return lld.SideOutputs{
		Dependencies: filepath.Join(l.root, "thin", "dependencies"),
		Map:          filepath.Join(l.root, "thin", "map"),
		TimeTrace:    filepath.Join(l.root, "thin", "time-trace"),
	}
}

// job is the compile of a module.
func (l *staged) job(m *lld.Loaded, to string) (thinlto.Job, error) {
	index := l.thin.Prefix + m.ID + ".thinlto.bc"
	imports, err := os.ReadFile(l.thin.Prefix + m.ID + ".imports")
	if err == nil {
		err = checkIndex(index, m.ID)
	}
	if err != nil {
		return thinlto.Job{}, err
	}
	return thinlto.Job{
		Args:    []string{m.ID, "-fthinlto-index=" + index, "-o", to},
		Inputs:  append([]string{m.ID, index}, strings.FieldsFunc(string(imports), func(r rune) bool { return r == '\n' })...),
		Outputs: []string{to},
	}, nil
}

// checkIndex makes sure that a backend can work by a module's index. LLD 13 to 15 write
// one that tells it to make nothing over the right one when the module is given again,
// between --start-lib and --end-lib or in a thin archive, and not used there.
func checkIndex(index, module string) error {
	info, err := os.Stat(index)
	if err != nil || info.Size() > maxSkipIndex {
		return err
	}
	contents, err := os.ReadFile(index)
	switch {
	case err != nil:
		return err
	case len(contents) == 0:
		return fmt.Errorf("%s: the thin link made no index for it", module)
	case bitcode.IsSkipIndex(contents):
		return fmt.Errorf("%s: is there twice, and this LLD gives it the index of the one that is not used", module)
	}
	return nil
}

// maxSkipIndex is more than an index has that names no module: 128 to 148 bytes.
const maxSkipIndex = 1 << 10

// compile makes the objects, or has the user's distributor make them.
func (l *staged) compile(ctx context.Context, jobs *thinlto.JobFile) error {
	if program, args, ok := l.distributor(); ok {
		return l.callDistributor(ctx, program, args, jobs)
	}
	chosen := *l.settings
	chosen.ModulePIC = l.backend.OwnRelocation
	l.backends = &backends{
		settings: &chosen, jobs: jobs, started: l.started, view: l.view, mode: "staged", stage: l.stage,
		written: fileTime(l.thin.List), links: true, major: l.major, identity: l.identity,
	}
	return l.backends.run(ctx, l.program.Connect)
}

// runLLD runs LLD, in a group of its own so that an interrupt reaches it through us.
func (l *staged) runLLD(ctx context.Context, words []string, out, messages io.Writer) (code int, err error) {
	words, err = shorten(words)
	if err != nil {
		return 0, err
	}
	return exec.Tool(ctx, l.lld, words, toolchain.Environment(), out, messages)
}
