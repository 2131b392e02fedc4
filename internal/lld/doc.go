// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package lld knows the command line of ld.lld: response files, which words
// are options and which are inputs, what the options mean for a ThinLTO link,
// and which Clang option does in a backend compile what an LTO option of the
// linker does in-process.
//
// It was written from LLD's option table (lld/ELF/Options.td, LLVM 13 to 22)
// and is checked against the help text of every ld.lld on the test machine.
// It knows nothing of jobs, caches or processes.
package lld
