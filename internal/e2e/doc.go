// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package e2e tests dtlto as its user has it: real compilers, LLD, build systems
// and programs, and nothing of dtlto but its two commands.
//
// testdata/script has one script per behaviour. The Go tests are for what a
// script cannot say: comparing objects of large programs, and interrupting.
package e2e
