// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package object

import (
	"bytes"
	"encoding/binary"
)

// A Kind says what a file is.
type Kind uint8

// The kinds of files. Unknown takes in linker scripts and other text.
const (
	Unknown Kind = iota
	ELF
	COFF       // object file, big ones too
	COFFImport // short import library member
	MachO
	Bitcode // LLVM bitcode, raw or behind a wrapper header
	Archive
	ThinArchive
)

// HeadSize is how many bytes of a file's beginning [Identify] looks at; fewer
// are enough if the file has no more.
const HeadSize = 32

const (
	archiveMagic     = "!<arch>\n"
	thinArchiveMagic = "!<thin>\n"
)

var magics = []struct {
	magic string
	kind  Kind
}{
	{"\x7fELF", ELF},
	{"BC\xc0\xde", Bitcode},
	{"\xde\xc0\x17\x0b", Bitcode}, // wrapper
	{archiveMagic, Archive},
	{thinArchiveMagic, ThinArchive},
	{"\xfe\xed\xfa\xce", MachO},
	{"\xfe\xed\xfa\xcf", MachO},
	{"\xce\xfa\xed\xfe", MachO},
	{"\xcf\xfa\xed\xfe", MachO},
}

// Identify tells what a file is by its first bytes.
func Identify(head []byte) Kind {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.kind
		}
	}
	return identifyCOFF(head)
}

// coffHeaderSize is the length of a COFF object's header.
const coffHeaderSize = 20

// bigObjClass is the class id in the header of a COFF object with more than
// 65,279 sections, {D1BAA1C7-BAEE-4ba9-AF20-FAF66AA4DCB8}. The same header with
// another one is a compiler's private object (/GL).
var bigObjClass = []byte("\xc7\xa1\xba\xd1\xee\xba\xa9\x4b\xaf\x20\xfa\xf6\x6a\xa4\xdc\xb8")

func identifyCOFF(head []byte) Kind {
	if len(head) < coffHeaderSize {
		return Unknown
	}
	if bytes.HasPrefix(head, []byte{0, 0, 0xff, 0xff}) {
		return identifyAnonymous(head)
	}
	// An object has no optional header; that keeps text that begins with a
	// machine's two letters apart.
	optional := binary.LittleEndian.Uint16(head[16:])
	if optional == 0 && isMachine(binary.LittleEndian.Uint16(head)) {
		return COFF
	}
	return Unknown
}

// identifyAnonymous tells the two kinds of anonymous object headers apart:
// signature 0, 0xffff, then a version (0 for an import), the machine, a time,
// and from version 2 on a class id at byte 12.
func identifyAnonymous(head []byte) Kind {
	version, machine := binary.LittleEndian.Uint16(head[4:]), binary.LittleEndian.Uint16(head[6:])
	switch {
	case version == 0 && isMachine(machine):
		return COFFImport
	case version >= 2 && len(head) >= 28 && bytes.Equal(head[12:28], bigObjClass):
		return COFF
	}
	return Unknown
}

// isMachine knows the machines of the PE format that LLVM makes code for.
func isMachine(machine uint16) bool {
	switch machine {
	case 0x014c, // i386
		0x8664, // x86-64
		0x01c4, // ARM Thumb-2
		0xaa64, // ARM64
		0xa641, // ARM64EC
		0xa64e: // ARM64X
		return true
	}
	return false
}
