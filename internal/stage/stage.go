// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package stage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// Stage is the stage of one link. Its methods may be called concurrently.
type Stage struct {
	beside string // the output that it lies beside

	mu    sync.Mutex
	path  string // empty until the first Folder
	claim *claimed
}

// For gives the stage of the link that makes output. Nothing is made until
// the first Folder, but what a killed link of the same output left is removed.
func For(output string) *Stage {
	s := &Stage{beside: output}
	s.sweep()
	return s
}

// maxStages is how many links of one output may run at once, and how many dead
// ones may have left something.
const maxStages = 16

// name is the path of the n-th stage beside the output. Names are always the same
// so that what was left is found without looking through the output's folder.
func (s *Stage) name(n int) string {
	base := filepath.Base(s.beside)
	const longest = 200 // bytes, of the 255 that a name may have
	if len(base) > longest {
		base = base[:longest]
	}
	name := ".dtlto-" + base
	if n > 0 {
		name += "-" + strconv.Itoa(n)
	}
	return filepath.Join(filepath.Dir(s.beside), name)
}

// sweep removes stages whose links are gone.
func (s *Stage) sweep() {
	for n := range maxStages {
		path := s.name(n)
		if info, err := os.Lstat(path); err == nil && info.IsDir() {
			sweep(path)
		}
	}
}

// open makes the stage's folder, once.
func (s *Stage) open() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.path != "" {
		return s.path, nil
	}
	for n := range maxStages {
		path, err := filepath.Abs(s.name(n))
		if err != nil {
			return "", err
		}
		err = os.Mkdir(path, 0o777)
		if errors.Is(err, fs.ErrExist) {
			continue // another link's: what dead ones left is gone
		}
		if err == nil {
			s.claim, err = claim(path)
		}
		if errors.Is(err, errTaken) {
			continue // by one that sweeps, and will remove it
		}
		if err != nil {
			return "", fmt.Errorf("cannot make a folder for the compiles beside the output: %w", err)
		}
		s.path = path
		return path, nil
	}
	return "", fmt.Errorf("%s: cannot make a folder for the compiles: %d of them are there", s.name(0), maxStages)
}

// Path is the path of a file in a folder of the stage, which is made if it is not
// there. The folder's name must not be a number: those are the compiles'.
func (s *Stage) Path(folder, file string) (string, error) {
	parent, err := s.open()
	if err != nil {
		return "", err
	}
	path := filepath.Join(parent, folder)
	return filepath.Join(path, file), os.MkdirAll(path, 0o777)
}

// Remove removes the stage and all that is in it.
func (s *Stage) Remove() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.path == "" {
		return nil
	}
	path := s.path
	s.path = ""
	return s.claim.discard(path)
}
