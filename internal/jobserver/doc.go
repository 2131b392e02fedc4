// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package jobserver takes turns with other programs that share the processors: with
// make's jobs, as a client of its jobserver, or with the user's other links, by locks.
//
// Make's protocol (GNU make's manual, "POSIX Jobserver"; Ninja 1.13 and Cargo have it too)
// is a pipe with a byte for each job that may run besides those that run. Who has read a
// byte may run one more, and writes the same byte back. What a process has not written
// back when it is killed is lost: nobody can tell. A lock is given back by the kernel.
package jobserver
