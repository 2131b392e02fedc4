// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package exec runs backend compiles: how many at once, in which order, what
// becomes of the rest when one fails or the user interrupts. An output is put
// in its place complete or not at all. It knows nothing of the linker.
package exec
