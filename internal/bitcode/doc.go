// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package bitcode reads the LLVM bitstream and tells what the modules in a
// bitcode file are: which LLVM wrote them, for which target, and whether a
// linker would compile them as ThinLTO. It brings the summary index shards that a
// thin link makes into a canonical form, and tells what differs between two.
//
// A [Cursor] walks a bitstream entry by entry. [Identify], [SymbolNames] and
// [PropertiesAt], which read modules, and [Index], which is for shards, are built on
// it. The layout comes from LLVM's "Bitcode File Format" page and from what
// llvm-bcanalyzer 14, 19 and 22 show; that of summary records is a table in
// summary.go, which names its sources.
//
// Input is taken to be hostile. Malformed bitcode gives an [*Error] with the
// offset in bits; nothing panics or loops, time is linear in the input, and
// memory stays within a small multiple of the input's size (an operand of one
// byte or more becomes a word of eight).
package bitcode
