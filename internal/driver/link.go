// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/lld"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/thinlto"
	"github.com/dtlto/dtlto/internal/toolchain"
)

// Program is what a link uses of the program that it runs in.
type Program struct {
	Out, Err io.Writer // messages
	// Connect gives a client for clusters; nil in a program that has none.
	Connect Connect
	// UntilSignal gives a context that ends when a signal asks the program to.
	UntilSignal func() (context.Context, func())
}

// Link is ld.dtlto. A link without ThinLTO bitcode, or with something that speaks
// against distributing it, it leaves to the ld.lld that it belongs to by becoming
// that program; likewise one that this LLD can distribute itself, told to do so
// through this program. Other links it does in steps and returns the linker's exit
// code.
//
// A link that is not distributed is ld.lld's own in every respect; a wrong
// variable in the environment does not stop it.
func Link(argv []string, s *settings.Settings, getenv func(string) string, program *Program) (code int, err error) {
	command := lld.ReadCommand(argv)
	given, err := settings.FromArguments(command.Args)
	if err != nil {
		return 0, err
	}
	wrong := s.Load(given, getenv)
	if s.CacheDir != "" {
		toolchain.RememberIn(s.CacheDir)
	}
	var m *thinlto.Map // of the thin link
	var mapFile string
	_, index := command.IndexMap()
	steps := !command.InformationOnly()
	if steps && !index {
		if m, mapFile, err = readMap(command); err != nil {
			return 0, err
		}
	}
	path, err := findLLD(command, s, m)
	if err != nil {
		return 0, err
	}
	if steps && (index || m != nil) {
		if wrong != nil {
			return 0, wrong
		}
		ctx, stop := program.UntilSignal()
		defer stop()
		if index {
			code, err = linkIndexes(ctx, command, path, s, program)
		} else {
			code, err = linkMapped(ctx, command, path, s, program, m, mapFile)
		}
		return code, ownError(err)
	}
	if command, argv, err = remapped(command, argv, path); err != nil {
		return 0, err
	}
	native, err := distributable(command, path, s)
	if err == nil {
		err = wrong
	}
	var words []string
	switch {
	case err == nil && native:
		words, err = nativeWords(command, argv, path, s)
	case err == nil:
		program.Connect = becomeRemote(s, program.Connect)
		var link *staged
		if link, err = newStaged(command, path, s, program); err == nil {
			ctx, stop := program.UntilSignal()
			code, err = link.link(ctx)
			stop()
			if err == nil {
				return code, nil
			}
		}
	}
	var reason *inProcess
	if errors.As(err, &reason) {
		if _, _, ok := command.Suffixes(); ok && reason.surprising && command.FindThinLTO().Minimized {
			return 0, fmt.Errorf("%w, and of minimized bitcode LLD alone makes no program", reason.error)
		}
		reason.print(program.Err, s)
		reason.tell(command, s)
		words, err = command.Plain(argv), nil
	}
	if err != nil {
		return 0, err
	}
	return 0, become(path, words)
}

// inProcess is why a link is left to LLD alone.
type inProcess struct {
	error
	surprising bool // the user would expect otherwise: said without being asked
}

func (r *inProcess) print(w io.Writer, s *settings.Settings) {
	switch {
	case r.surprising:
		fmt.Fprintf(w, "ld.dtlto: warning: linking in-process: %v\n", r)
	case s.Summary:
		fmt.Fprintf(w, "ld.dtlto: not distributed: %v\n", r)
	}
}

// tell adds the link to the file of events, if there is to be one.
func (r *inProcess) tell(c *lld.Command, s *settings.Settings) {
	if s.Events == "" || c.InformationOnly() {
		return
	}
	v, err := openView(&settings.Settings{Events: s.Events, Progress: settings.Never}, io.Discard, c.Output(), time.Now())
	if err != nil {
		return // LLD goes on with more important things
	}
	v.ended = true // by LLD, of which nobody tells
	defer v.close()
	v.start("in-process", c.Output(), "", r.Error(), s)
}

// remapped is the command with the files in place that --remap-inputs= names, for an LLD
// that does not know the option; another LLD sees to it itself.
func remapped(c *lld.Command, argv []string, path string) (*lld.Command, []string, error) {
	if !c.Has("remap-inputs", "remap-inputs-file") || c.InformationOnly() {
		return c, argv, nil
	}
	version, err := toolchain.LLDVersion(path)
	if err != nil || version.Major >= lld.FirstRemapping {
		if remap, err := c.ReadRemap(); err == nil {
			c.SetRemap(remap)
		}
		return c, argv, nil //nolint:nilerr // LLD is what will say so
	}
	words, err := c.Remapped()
	return lld.ReadCommand(words), words, err
}

// findLLD finds the ld.lld of a link; m is the map of its thin link, if it has one.
func findLLD(c *lld.Command, s *settings.Settings, m *thinlto.Map) (string, error) {
	plugin, _ := c.Last("plugin")
	compiler, _ := c.Last("thinlto-remote-compiler")
	return toolchain.FindLLD(toolchain.Hints{
		Explicit: s.LLD,
		Plugin:   plugin,
		Compiler: compiler,
		Parent:   toolchain.ParentProgram,
		Major: func() int {
			if m != nil {
				return m.LLVM
			}
			return c.NewestProducer()
		},
	})
}

// distributable says how a link with ThinLTO bitcode is distributed: by LLD (native)
// or in steps. The error is an *inProcess for all others. Links without bitcode, the
// most by far, are found first.
func distributable(c *lld.Command, path string, s *settings.Settings) (native bool, err error) {
	for _, check := range []struct {
		is  bool
		why string
	}{
		{!c.Whole, "versions of LLD differ in how they read one of the response files"},
		{c.InformationOnly(), "nothing is linked"},
		{c.IndexOnly(), "this is a thin link"},
	} {
		if check.is {
			return false, &inProcess{error: errors.New(check.why)}
		}
	}
	found := c.FindThinLTO()
	if !found.ThinLTO {
		return false, &inProcess{error: errors.New("no input has ThinLTO bitcode")}
	}
	version, err := toolchain.LLDVersion(path)
	switch {
	case err != nil && s.LLD != "":
		return false, err // the user said that it is an LLD
	case err != nil:
		return false, &inProcess{err, true}
	case version.Major < lld.FirstStaged:
		return false, &inProcess{error: fmt.Errorf("%s is LLD %s, and links are distributed from %d on", path, version, lld.FirstStaged)}
	case version.Major < lld.FirstNative && s.Mode == settings.ModeNative:
		return false, &inProcess{fmt.Errorf("%s is LLD %s, which distributes no links itself (--dtlto-mode=native)", path, version), true}
	case found.Minimized && found.Triple == "":
		return false, &inProcess{fmt.Errorf("%s has minimized bitcode: --thinlto-object-suffix-replace= says where the whole is", found.File), true}
	case !lld.SameForClang(found.Triple):
		return false, &inProcess{fmt.Errorf("%s is for %s, where clang's driver decides what LTO leaves to the bitcode", found.File, found.Triple), true}
	}
	_, _, minimized := c.Suffixes() // LLD would have backends compile the minimized bitcode
	return version.Major >= lld.FirstNative && s.Mode != settings.ModeStaged && !minimized, nil
}

// nativeWords is the argv that makes LLD distribute the link. The error is an
// *inProcess when it cannot be had.
func nativeWords(c *lld.Command, argv []string, path string, s *settings.Settings) ([]string, error) {
	if err := c.Obstacle(); err != nil {
		return nil, &inProcess{err, true}
	}
	clang, err := backendCompiler(c, path)
	if err != nil {
		return nil, &inProcess{err, true}
	}
	backend, err := c.ReadBackend(func(name string) (bool, error) { return toolchain.KnowsLLVMOption(clang, name) })
	if err != nil {
		return nil, &inProcess{err, true}
	}
	distributor, err := handOn(s)
	if err != nil {
		return nil, err
	}
	if backend.OwnRelocation {
		if _, chosen := c.Last("thinlto-distributor"); chosen {
			return nil, &inProcess{errors.New("-r leaves the relocation model to each module, which LLD does not tell distributors"), true}
		}
		distributor = append(distributor, "--module-pic")
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("the path of this program cannot be told: %w", err)
	}
	args := []string{"distribute"}
	if n, ok := jobsOf(c); ok {
		args = append(args, "--jobs="+n)
	}
	return c.Native(argv, lld.Distributor{
		Path:     self,
		Args:     slices.Concat(args, copyFor(c), distributor),
		Compiler: clang,
	}, backend), nil
}

// handOn gives the distributor the settings of the linker's command line: as
// arguments, which everybody can read, or if that would not do as variables.
func handOn(s *settings.Settings) ([]string, error) {
	args, variables := s.HandOn()
	for name, value := range variables {
		if err := os.Setenv(name, value); err != nil {
			return nil, fmt.Errorf("%s: cannot be given to the distributor: %w", name, err)
		}
	}
	return args, nil
}

// backendCompiler is the clang for the backends: the one that the command line
// names, else the one that belongs to the LLD.
func backendCompiler(c *lld.Command, lldPath string) (string, error) {
	named, ok := c.Last("thinlto-remote-compiler")
	if !ok {
		return toolchain.FindClang(lldPath)
	}
	path, err := exec.LookPath(named)
	if err != nil {
		return "", fmt.Errorf("--thinlto-remote-compiler=%s cannot be run", named)
	}
	version, err := toolchain.LLDVersion(lldPath)
	if err != nil {
		return "", err
	}
	if toolchain.IsScript(path) {
		return path, nil // a wrapper, for whatever purpose: the user's choice
	}
	if v, err := toolchain.ClangVersion(path); err == nil && v != version {
		return "", fmt.Errorf("--thinlto-remote-compiler=%s is clang %s, and the linker is LLD %s", named, v, version)
	}
	return path, nil
}

// jobsOf is the linker's own limit on ThinLTO threads: --thinlto-jobs, else
// --threads. "all" and "0" mean what the default means.
func jobsOf(c *lld.Command) (n string, ok bool) {
	for _, name := range []string{"thinlto-jobs", "threads"} {
		if v, given := c.Last(name); given {
			return v, settings.Check("jobs", v) == nil
		}
	}
	return "", false
}

// copyFor asks for copies when LLD keeps the objects.
func copyFor(c *lld.Command) []string {
	if c.Has("save-temps") {
		return []string{"--copy"}
	}
	return nil
}

// IsDistributorCall says whether the arguments of a program that is called
// ld.dtlto are LLD's for its distributor: a copy, not a link, of the program
// has only that name, and a user may have given the one for the other.
func IsDistributorCall(args []string) bool {
	return len(args) > 0 && strings.HasSuffix(args[len(args)-1], ".dist-file.json")
}

// IsLinkerName says whether a program's path makes it the linker.
func IsLinkerName(program string) bool {
	return strings.HasPrefix(filepath.Base(program), "ld.dtlto")
}
