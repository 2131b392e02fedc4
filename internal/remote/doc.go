// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package remote says what a cluster that speaks the Remote Execution API is to
// the rest of the program: where it is, what it is asked for, what it answers and
// how it can fail. It has values only. The client itself is in package reapi,
// which programs that never ask a cluster do not link: its libraries cost 3 ms of
// every start.
package remote
