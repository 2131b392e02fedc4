// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/dtlto/dtlto/internal/jobserver"
)

// shareProcessors has the compiles here take turns with whatever else runs: make's jobs,
// by its jobserver, or else the user's other links. end gives back what was taken.
func (b *backends) shareProcessors() (end func()) {
	if !b.settings.Jobserver || b.edge || b.launcher != nil || b.runner.Slots == 1 {
		return func() {} // the first compile of all waits for nobody
	}
	client, err := jobserver.Open(os.Getenv("MAKEFLAGS"))
	if err == nil {
		b.runner.Tokens, b.turns = client, client.Kind()
		return client.Close
	}
	pool := jobserver.NewPool(turnsFolder(), b.runner.Slots-1) // and the one that each link has
	b.runner.Tokens, b.turns = pool, pool.Kind()
	return pool.Close
}

// turnsFolder is for what the links of a user have in common while they run, on one
// machine: not the cache, which several machines may share. It stays, with an empty file
// for each lock, until the machine is started again.
func turnsFolder() string {
	name := fmt.Sprintf("dtlto-turns-%d", os.Getuid())
	for _, folder := range []string{"/dev/shm", os.Getenv("XDG_RUNTIME_DIR")} {
		if info, err := os.Stat(folder); err == nil && info.IsDir() && filepath.IsAbs(folder) {
			return filepath.Join(folder, name)
		}
	}
	return filepath.Join(os.TempDir(), name)
}
