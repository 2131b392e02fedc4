// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/dtlto/dtlto/internal/lld"
	"github.com/dtlto/dtlto/internal/toolchain"
)

// Link is ld.dtlto: it becomes the ld.lld that the link belongs to, told to
// distribute the backends through this program if the link has ThinLTO bitcode
// and nothing speaks against it. It returns only when that LLD cannot be run.
//
// A link that is not distributed is ld.lld's own in every respect.
func Link(argv []string, s *Settings, messages io.Writer) error {
	command := lld.ReadCommand(argv)
	distributor, err := s.fromCommand(command)
	if err != nil {
		return err
	}
	found := searchThinLTO(command)
	path, err := findLLD(command, s)
	if err != nil {
		return err
	}
	words, err := nativeWords(command, argv, path, distributor, found)
	var reason *inProcess
	if errors.As(err, &reason) {
		if reason.worthSaying {
			fmt.Fprintf(messages, "ld.dtlto: warning: linking in-process: %v\n", reason)
		}
		words, err = command.Plain(argv), nil
	}
	if err != nil {
		return err
	}
	return become(path, words)
}

// inProcess is why a link is left to LLD alone.
type inProcess struct {
	error
	worthSaying bool // the user might have expected otherwise
}

// searchThinLTO looks for ThinLTO bitcode where a link could be distributed.
func searchThinLTO(c *lld.Command) lld.Found {
	if !c.Whole || c.InformationOnly() || c.IndexOnly() || c.Has("relocatable") {
		return lld.Found{}
	}
	return c.FindThinLTO()
}

func findLLD(c *lld.Command, s *Settings) (string, error) {
	plugin, _ := c.Last("plugin")
	compiler, _ := c.Last("thinlto-remote-compiler")
	return toolchain.FindLLD(toolchain.Hints{
		Explicit: s.LLD,
		Plugin:   plugin,
		Compiler: compiler,
		Parent:   toolchain.ParentProgram,
		Major:    c.NewestProducer,
	})
}

// nativeWords is the argv that makes LLD distribute the link. The error is an
// *inProcess when the link is LLD's alone.
func nativeWords(c *lld.Command, argv []string, path string, distributor []string, found lld.Found) ([]string, error) {
	if !found.ThinLTO {
		return nil, &inProcess{error: errors.New("no ThinLTO bitcode")}
	}
	version, err := toolchain.LLDVersion(path)
	if err != nil {
		return nil, &inProcess{err, true}
	}
	if version.Major < lld.FirstNative {
		return nil, &inProcess{error: fmt.Errorf("%s is LLD %s", path, version)}
	}
	if err := c.Obstacle(); err != nil {
		return nil, &inProcess{err, true}
	}
	clang, err := backendCompiler(c, path, version)
	if err != nil {
		return nil, &inProcess{err, true}
	}
	backend, err := c.ReadBackend(func(name string) (bool, error) { return toolchain.KnowsLLVMOption(clang, name) })
	if err != nil {
		return nil, &inProcess{err, true}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("the path of this program cannot be told: %w", err)
	}
	return c.Native(argv, lld.Distributor{
		Path:     self,
		Args:     append(append([]string{"distribute"}, jobsOf(c)...), distributor...),
		Compiler: clang,
	}, backend), nil
}

// backendCompiler is the clang for the backends: the one that the command line
// names, else the one that belongs to the LLD.
func backendCompiler(c *lld.Command, lldPath string, version toolchain.Version) (string, error) {
	named, ok := c.Last("thinlto-remote-compiler")
	if !ok {
		return toolchain.FindClang(lldPath, version)
	}
	path, err := exec.LookPath(named)
	if err != nil {
		return "", fmt.Errorf("--thinlto-remote-compiler=%s cannot be run", named)
	}
	return path, nil
}

// jobsOf hands the linker's own limit on ThinLTO threads to the distributor:
// --thinlto-jobs, else --threads. "all" and "0" mean what the default means.
func jobsOf(c *lld.Command) []string {
	for _, name := range []string{"thinlto-jobs", "threads"} {
		if v, ok := c.Last(name); ok {
			if _, err := parseJobs(v); err == nil {
				return []string{"--jobs=" + v}
			}
			return nil
		}
	}
	return nil
}

// IsDistributorCall says whether the arguments of a program that is called
// ld.dtlto are LLD's for its distributor: a copy, not a link, of the program
// has only that name.
func IsDistributorCall(args []string) bool {
	return len(args) >= 2 && args[0] == "distribute" && strings.HasSuffix(args[len(args)-1], ".dist-file.json")
}

// IsLinkerName says whether a program's path makes it the linker.
func IsLinkerName(program string) bool {
	return strings.HasPrefix(filepath.Base(program), "ld.dtlto")
}
