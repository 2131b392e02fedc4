// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package object tells what a linker input is: an ELF or COFF object, bitcode,
// an archive. It walks the members of an archive, writes archives that stand in
// for others, and finds a section in an ELF file, where FatLTO keeps bitcode.
//
// Input is taken to be hostile: a malformed file gives an [*Error] with the
// offset in bytes; nothing panics or loops, and memory stays below a small
// multiple of the file's size.
package object
