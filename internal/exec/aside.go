// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// asideFolders are where outputs lie until they are complete: one temporary
// folder in each folder that outputs go to, so that putting one in place is a
// rename. The compiler's own temporary files come to lie there as well.
type asideFolders struct {
	mu      sync.Mutex
	folders map[string]string // folder of the outputs → temporary folder in it
	next    int
}

// names reserves a temporary path for each output.
func (a *asideFolders) names(outputs []string) ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	names := make([]string, len(outputs))
	for i, output := range outputs {
		folder, err := a.folder(filepath.Dir(output))
		if err != nil {
			return nil, err
		}
		a.next++
		names[i] = filepath.Join(folder, strconv.Itoa(a.next)+filepath.Ext(output))
	}
	return names, nil
}

func (a *asideFolders) folder(of string) (string, error) {
	if folder, ok := a.folders[of]; ok {
		return folder, nil
	}
	folder, err := os.MkdirTemp(of, ".dtlto-*")
	if err != nil {
		return "", fmt.Errorf("%s: cannot make a folder for unfinished objects in it: %w", of, err)
	}
	if a.folders == nil {
		a.folders = map[string]string{}
	}
	a.folders[of] = folder
	return folder, nil
}

// remove deletes the temporary folders and what is left in them.
func (a *asideFolders) remove() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, folder := range a.folders {
		_ = os.RemoveAll(folder)
	}
}
