// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build !linux

package toolchain

// ParentProgram is empty: this system does not say simply which program
// started this one.
func ParentProgram() string { return "" }
