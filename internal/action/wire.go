// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package action

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/dtlto/dtlto/internal/cas"
)

// message is a protocol buffer being written, field by field, in the order of
// field numbers. The Remote Execution API demands this canonical form of
// everything that is digested (remote_execution.proto, "Action"). Writing it
// here keeps the protocol buffer library, which registers its types at every
// start of a program, out of links that do not speak to a server; tests compare
// with that library.
type message []byte

const (
	varint = 0
	length = 2
)

func (m *message) tag(field, kind int) { *m = binary.AppendUvarint(*m, uint64(field<<3|kind)) }

// number leaves out zero, as proto3 does.
func (m *message) number(field int, v uint64) {
	if v != 0 {
		m.tag(field, varint)
		*m = binary.AppendUvarint(*m, v)
	}
}

// text leaves out an empty string, as proto3 does for a field that is not
// repeated.
func (m *message) text(field int, s string) {
	if s != "" {
		m.element(field, s)
	}
}

// element writes a string even if it is empty, for repeated fields.
func (m *message) element(field int, s string) {
	m.tag(field, length)
	*m = binary.AppendUvarint(*m, uint64(len(s)))
	*m = append(*m, s...)
}

// digest writes a message Digest.
func (m *message) digest(field int, d cas.Digest) {
	var room [3 + 2*len(d.Hash) + binary.MaxVarintLen64]byte
	sub := message(room[:0])
	sub.tag(1, length)
	sub = binary.AppendUvarint(sub, uint64(2*len(d.Hash)))
	sub = hex.AppendEncode(sub, d.Hash[:])
	sub.number(2, uint64(d.Size))
	m.message(field, sub)
}

func (m *message) message(field int, sub message) {
	m.tag(field, length)
	*m = binary.AppendUvarint(*m, uint64(len(sub)))
	*m = append(*m, sub...)
}
