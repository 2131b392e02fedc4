// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import "testing"

// TestGettingStarted does what a new user is told to do.
func TestGettingStarted(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: runs compilers")
	}
	for _, llvm := range longVersions(22, 13, 14, 15, 16, 19) {
		r := newPageRun(t, llvm)
		for _, s := range readPage(t, "../../docs/getting-started.md") {
			r.try(s.blocks)
		}
	}
}
