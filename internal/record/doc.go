// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package record keeps what a link remembers for the next link of the same
// output: the digests of its files, how long each compile took, and what each
// module's action was.
//
// [Digests] gives digests without reading files that are as they were, and
// those of archive members that the linker writes out anew for each link.
// [Load] and [Link.Save] read and write records, one file for each output.
// [Link.Match] finds a module in the record before, and [Job.Why] says why a
// module was compiled, from [Differences] between its two actions.
//
// Everything here saves time or explains. A record that is missing, damaged or
// of another version costs hashing, never a wrong object: its checksum guards
// against accidents. As with the cache, whoever may write in the folder decides
// what is linked.
package record
