// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package driver is the spine of dtlto. Link and Distribute are its two ways
// in; each reads from top to bottom as the steps of what it does. How a step
// works is known to other packages.
package driver
