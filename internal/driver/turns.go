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
// machine: not the cache, which several machines may share.
func turnsFolder() string {
	if folder := os.Getenv("XDG_RUNTIME_DIR"); folder != "" {
		return filepath.Join(folder, "dtlto")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("dtlto-%d", os.Getuid()))
}
