// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/stage"
)

// launcher is what stands in front of each compile's command, to run it on another
// machine that sees the same files: srun, ssh, reclient's rewrapper, Incredibuild's
// console. In its words, {folder} is where the compile runs, {inputs} and {outputs} are
// the names of its files there, separated by commas.
type launcher struct {
	path  string
	words []string // the first is the program's name
}

// newLauncher finds the program that words begin with; nil if there are none.
func newLauncher(words []string) (*launcher, error) {
	if len(words) == 0 {
		return nil, nil
	}
	path, err := exec.FindProgram(words[0])
	if err != nil {
		return nil, &UsageError{Err: fmt.Errorf("--launcher: %s: cannot be run: %w", words[0], err)}
	}
	return &launcher{path, words}, nil
}

// launch puts the launcher in front of a command. Its environment is the whole one,
// which launchers need.
func (b *backends) launch(c exec.Command, inputs, outputs []string) exec.Command {
	if b.launcher == nil {
		return c
	}
	folder := c.Dir
	if folder == "" {
		folder = b.folder
	}
	c.Args = slices.Concat(b.launcher.inFront(folder, inputs, outputs), []string{c.Path}, c.Args[1:])
	c.Path, c.Env = b.launcher.path, b.environment
	return c
}

// inFront are the launcher's words for a compile.
func (l *launcher) inFront(folder string, inputs, outputs []string) []string {
	replace := strings.NewReplacer("{folder}", folder, "{inputs}", strings.Join(inputs, ","), "{outputs}", strings.Join(outputs, ","))
	words := slices.Clone(l.words)
	for i := range words {
		words[i] = replace.Replace(words[i])
	}
	return words
}

// place gives a file a name in a compile's folder. What a launcher sees has to be
// there itself: a link may point to where only this machine sees it.
func (b *backends) place(folder *stage.Folder, name, file string) error {
	if b.launcher != nil {
		return folder.PlaceCopy(name, file)
	}
	return folder.Place(name, file)
}
