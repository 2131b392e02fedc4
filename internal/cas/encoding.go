// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// A result's file is
//
//	"dtlto result 1\n"
//	the action's key: hash, size
//	duration in nanoseconds
//	messages
//	number of outputs, and for each: name, hash, size
//	SHA-256 of all that precedes
//
// with numbers as unsigned varints and strings as length and bytes. The
// checksum makes every changed or missing bit a miss; the key makes a miss of a
// file under another one's name.
const (
	resultMagic   = "dtlto result "
	resultVersion = "1\n"
	// maxResult bounds the file's size in bytes.
	maxResult = 4<<10 + MaxMessages + MaxOutputs*(MaxName+64)
)

// errVersion is a whole result of a format that is not ours.
var errVersion = errors.New("of another version")

// encodeResult fails if r is not fit to be kept.
func encodeResult(key ActionKey, r Result) ([]byte, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	b := append([]byte(resultMagic), resultVersion...)
	b = appendDigest(b, Digest(key))
	b = binary.AppendUvarint(b, uint64(r.Duration))
	b = appendString(b, r.Messages)
	b = binary.AppendUvarint(b, uint64(len(r.Outputs)))
	for _, output := range r.Outputs {
		b = appendDigest(appendString(b, output.Name), output.Digest)
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...), nil
}

func appendString[S string | []byte](b []byte, s S) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendDigest(b []byte, d Digest) []byte {
	return binary.AppendUvarint(append(b, d.Hash[:]...), uint64(d.Size))
}

// decodeResult reads what encodeResult wrote for key.
func decodeResult(key ActionKey, b []byte) (Result, error) {
	got, r, err := decodeAny(b)
	if err == nil && got != key {
		err = errors.New("of another action")
	}
	return r, err
}

// decodeAny reads what encodeResult wrote. It keeps no reference to b.
func decodeAny(b []byte) (ActionKey, Result, error) {
	body, err := checkedBody(b)
	if err != nil {
		return ActionKey{}, Result{}, err
	}
	d := decoder{rest: body}
	key := ActionKey(d.digest())
	r := Result{Duration: time.Duration(d.number()), Messages: bytes.Clone(d.bytes())}
	r.Outputs = d.outputs()
	if d.broken || len(d.rest) > 0 {
		return key, Result{}, errors.New("malformed")
	}
	return key, r, r.Check()
}

// checkedBody takes off the magic word and the checksum, which must be right.
func checkedBody(b []byte) ([]byte, error) {
	body, ok := bytes.CutPrefix(b, []byte(resultMagic))
	if !ok || len(body) < len(resultVersion)+sha256.Size {
		return nil, errors.New("not a result")
	}
	end := len(b) - sha256.Size
	if sha256.Sum256(b[:end]) != [sha256.Size]byte(b[end:]) {
		return nil, errors.New("checksum differs")
	}
	body = body[:len(body)-sha256.Size]
	if body, ok = bytes.CutPrefix(body, []byte(resultVersion)); !ok {
		line, _, _ := bytes.Cut(b[len(resultMagic):end], []byte("\n"))
		return nil, fmt.Errorf("%w: %.20q", errVersion, line)
	}
	return body, nil
}

// decoder reads values off the front of rest. After the first that is not
// there, it is broken and gives zeros.
type decoder struct {
	rest   []byte
	broken bool
}

// number gives at most [math.MaxInt64].
func (d *decoder) number() int64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || v > math.MaxInt64 {
		d.rest, d.broken = nil, true
		return 0
	}
	d.rest = d.rest[n:]
	return int64(v)
}

func (d *decoder) take(n int64) []byte {
	if n > int64(len(d.rest)) {
		d.rest, d.broken = nil, true
		return nil
	}
	taken := d.rest[:n]
	d.rest = d.rest[n:]
	return taken
}

func (d *decoder) bytes() []byte { return d.take(d.number()) }

func (d *decoder) digest() (digest Digest) {
	copy(digest.Hash[:], d.take(int64(len(digest.Hash))))
	digest.Size = d.number()
	return digest
}

func (d *decoder) outputs() []Output {
	n := d.number()
	if d.broken || n > MaxOutputs {
		d.broken = true
		return nil
	}
	outputs := make([]Output, n)
	for i := range outputs {
		outputs[i] = Output{Name: string(d.bytes()), Digest: d.digest()}
	}
	return outputs
}
