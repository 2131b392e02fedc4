// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package reapitest is a server of the Remote Execution API for tests and
// benchmarks: content-addressable storage, byte streams, action cache and
// execution, on a real listener on the loopback interface. Actions run as real
// processes in folders made of their inputs, or are simulated.
//
// It does what real servers do, also where a client would like something else;
// where they differ, there is an option. What is said of Buildbarn and
// bazel-remote was read in their sources of July and August 2026. Faults come on
// demand, alone or by chance.
//
// It trusts nobody with digests, sizes and names, but it is no sandbox for
// hostile commands.
package reapitest
