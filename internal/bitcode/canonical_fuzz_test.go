// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"errors"
	"math"
	"testing"
)

// seeds are shards of programs that have between them nearly every record.
func seeds(t testing.TB) [][]byte {
	t.Helper()
	var shards [][]byte
	for _, s := range []struct{ version, name string }{
		{"22", "plain"}, {"14", "plain"}, {"22", "cfi and vtables"}, {"14", "devirtualised with split units"},
		{"22", "memory profile with contexts"}, {"19", "memory profile with sizes"}, {"22", "memory profile with clones"},
	} {
		for _, p := range programs {
			if p.name != s.name {
				continue
			}
			l := thinLinkAll(t, s.version, p)
			for _, module := range l.modules {
				shards = append(shards, l.shard(t, module))
			}
		}
	}
	return shards
}

// FuzzCanonicalise canonicalises anything. What comes out is well-formed, comes
// out the same again, and says what went in.
func FuzzCanonicalise(f *testing.F) {
	for _, shard := range seeds(f) {
		f.Add(shard)
	}
	f.Fuzz(fuzzShard)
}

func fuzzShard(t *testing.T, shard []byte) {
	opt := Options{KeepBlockCount: len(shard)%8 == 0}
	s, err := Canonicalise(shard, letters, opt)
	paths, pathsErr := IndexModules(shard)
	var malformed *Error
	if err != nil {
		if !errors.As(err, &malformed) && len(s.Data) != 0 {
			t.Fatalf("%v and %d bytes", err, len(s.Data))
		}
		return
	}
	if pathsErr != nil {
		t.Fatalf("%v, but modules: %q, %v", s.Form, paths, pathsErr)
	}
	if named, err := IndexModules(s.Data); err != nil || len(named) != len(paths) {
		t.Fatalf("%q became %q, %v", paths, named, err)
	}
	if len(s.Data) > 256*len(shard)+1024 {
		t.Fatalf("%d bytes became %d", len(shard), len(s.Data))
	}
	checkForm(t, shard, s, opt)
}

// FuzzRecords puts records of any code and operands into an index, which goes
// deeper than bits put in anywhere.
func FuzzRecords(f *testing.F) {
	f.Add(byte(9), []byte{11, 1, 200, 4, 11, 1, 5, 0, 1, 0, 0, 1, 0, 0, 2, 1, 24, 1, 9, 17, 4, 4, 3, 0, 3})
	f.Add(byte(10), []byte{30, 2, 70, 60, 29, 9, 1, 1, 2, 2, 1, 0, 0, 44, 28, 4, 2, 1, 0, 1, 5, 9, 1, 5, 0, 1, 0, 0, 0, 0, 0, 8, 4, 2, 9, 0, 1})
	f.Add(byte(12), []byte{30, 4, 0, 70, 0, 60, 32, 5, 2, 1, 254, 1, 0, 29, 5, 1, 1, 2, 0, 0, 33, 4, 1, 1, 2, 0, 5, 9, 1, 5, 0, 1, 0, 0, 0, 0, 0})
	f.Add(byte(12), []byte{21, 18, 0, 3, 1, 2, 3, 4, 5, 6, 8, 1, 4, 3, 1, 1, 7, 2, 0, 0, 0, 25, 8, 0, 1, 2, 1, 0, 2, 1, 1, 5, 9, 2, 9, 0, 1, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, version byte, data []byte) {
		fuzzShard(t, handmade(uint64(version), func(w *writer) { writeFuzzed(w, data) }))
	})
}

// writeFuzzed writes records made of bytes: code, number of operands, operands.
// Bytes from 250 on are operands near 2^32 and 2^64.
func writeFuzzed(w *writer, data []byte) {
	for len(data) > 2 {
		code, n := data[0], min(int(data[1]), len(data)-2)
		var ops []uint64
		for _, b := range data[2 : 2+n] {
			v := uint64(b)
			switch {
			case b == 255:
				v = math.MaxUint64
			case b >= 250:
				v = 1<<32 - 255 + uint64(b)
			}
			ops = append(ops, v)
		}
		w.record(uint32(code%36), ops...)
		data = data[2+n:]
	}
}
