// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package stage is where the compiles of a link happen: one folder for the
// link, and in it a small one for each compile, with its inputs under the names
// that they have in its action and nothing else. The same command makes the same
// outputs there, in another link's stage and on another machine.
//
// The stage lies beside the link's output, so that an object is put in its
// place by a rename.
package stage
