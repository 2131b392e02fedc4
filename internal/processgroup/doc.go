// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package processgroup starts programs as leaders of process groups of their own, so
// that what a program starts can be ended with it, and a terminal's interrupt reaches it
// through us.
package processgroup
