// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package report shows links to people and scripts. What happens in a link is an
// [Event]; a [Log] hands each to its sinks: the status line of a terminal, a file of
// JSON lines, a Chrome trace. It knows nothing of how a link is done.
package report
