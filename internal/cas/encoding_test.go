// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"reflect"
	"testing"
	"time"
)

var (
	sampleKey    = ActionKey(DigestOf([]byte("an action")))
	sampleResult = Result{
		Outputs:  []Output{{"a.o", DigestOf([]byte("object"))}, {"a.dwo", DigestOf(nil)}},
		Messages: []byte("warning: x\n"),
		Duration: 1500 * time.Millisecond,
	}
)

func encoded(t testing.TB) []byte {
	b, err := encodeResult(sampleKey, sampleResult)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestResultEncoding(t *testing.T) {
	b := encoded(t)
	got, err := decodeResult(sampleKey, b)
	if err != nil || !reflect.DeepEqual(got, sampleResult) {
		t.Fatalf("%v, %v", got, err)
	}
	clear(b)
	if !reflect.DeepEqual(got, sampleResult) {
		t.Error("the result refers to the buffer it was read from")
	}
}

func TestResultEncodingDamaged(t *testing.T) {
	whole := encoded(t)
	refused := func(what string, at int, b []byte) {
		if r, err := decodeResult(sampleKey, b); err == nil {
			t.Errorf("%s %d: read %v", what, at, r)
		}
	}
	for at := range whole {
		refused("cut at", at, whole[:at])
		for bit := range 8 {
			b := bytes.Clone(whole)
			b[at] ^= 1 << bit
			refused("flipped in byte", at, b)
		}
	}
	refused("longer by", 1, append(bytes.Clone(whole), 0))
	other := sampleKey
	other.Hash[31]++
	if _, err := decodeResult(other, whole); err == nil {
		t.Error("read as another action's")
	}
	other = sampleKey
	other.Size++
	if _, err := decodeResult(other, whole); err == nil {
		t.Error("read as that of an action of another size")
	}
}

// sealed gives body, which follows the magic word, a right checksum: only the
// decoder stands between it and its reader.
func sealed(body []byte) []byte {
	b := append([]byte(resultMagic), body...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

func TestResultEncodingMalformed(t *testing.T) {
	body := encoded(t)
	body = body[len(resultMagic) : len(body)-sha256.Size]
	for at := range body {
		if r, err := decodeResult(sampleKey, sealed(body[:at])); err == nil {
			t.Errorf("sealed at %d: read %v", at, r)
		}
	}
	if r, err := decodeResult(sampleKey, sealed(append(bytes.Clone(body), 0))); err == nil {
		t.Errorf("with one byte more: read %v", r)
	}
	future := append([]byte("2\n"), body[2:]...)
	if _, err := decodeResult(sampleKey, sealed(future)); !errors.Is(err, errVersion) {
		t.Errorf("version 2: %v", err)
	}
}

func FuzzResult(f *testing.F) {
	whole := encoded(f)
	f.Add(whole, false)
	f.Add(whole[len(resultMagic):len(whole)-sha256.Size], true)
	empty, err := encodeResult(sampleKey, Result{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(empty[len(resultMagic):len(empty)-sha256.Size], true)
	f.Fuzz(func(t *testing.T, b []byte, seal bool) {
		if seal {
			b = sealed(b)
		}
		key, r, err := decodeAny(b)
		if err != nil {
			return
		}
		again, err := encodeResult(key, r)
		if err != nil {
			t.Fatalf("read %v and did not write it: %v", r, err)
		}
		if got, err := decodeResult(key, again); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%v became %v, %v", r, got, err)
		}
	})
}

func FuzzLedger(f *testing.F) {
	f.Add([]byte("dtlto cache: 123 bytes at 456\n+7\n+8\n"))
	f.Add([]byte("dtlto cache: 9223372036854775807 bytes at 1\n+1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if total, _, ok := readLedger(b); ok && total < 0 {
			t.Errorf("total %d", total)
		}
	})
}

func BenchmarkDecodeResult(b *testing.B) {
	data := encoded(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeResult(sampleKey, data); err != nil {
			b.Fatal(err)
		}
	}
}
