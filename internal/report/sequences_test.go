// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/report/reporttest"
)

// dice makes values from bytes, and nothing in particular when they are used up.
type dice struct{ left []byte }

func (d *dice) byte() byte {
	if len(d.left) == 0 {
		return 0
	}
	b := d.left[0]
	d.left = d.left[1:]
	return b
}

// number is mostly small: small numbers meet.
func (d *dice) number() int64 {
	switch b := d.byte(); {
	case b < 200:
		return int64(b % 8)
	case b < 250:
		return int64(int16(uint16(b)<<8|uint16(d.byte()))) * 1000
	default:
		var wide [8]byte
		for i := range wide {
			wide[i] = d.byte()
		}
		return int64(binary.LittleEndian.Uint64(wide[:]))
	}
}

func (d *dice) text() string {
	n := min(int(d.byte()%6), len(d.left))
	s := string(d.left[:n])
	d.left = d.left[n:]
	return s
}

// fill gives every field of an event a value.
func (d *dice) fill(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[Where]():
		v.SetString([]string{"here", "cluster"}[d.byte()%2])
	case v.Type() == reflect.TypeFor[Outcome]():
		v.SetString([]string{"cached", "compiled", "failed"}[d.byte()%3])
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(d.number()%1e9, d.number()).UTC()))
	case v.Type() == reflect.TypeFor[Seconds]():
		v.SetInt(d.number() * int64([]Seconds{1, 1000, 1000, 1500, ms}[d.byte()%5]))
	default:
		d.fillKind(v)
	}
}

func (d *dice) fillKind(v reflect.Value) {
	switch v.Kind() {
	case reflect.Int, reflect.Int64:
		v.SetInt(d.number())
	case reflect.Bool:
		v.SetBool(d.byte()%2 == 1)
	case reflect.String:
		v.SetString(d.text())
	case reflect.Pointer:
		if d.byte()%2 == 1 {
			v.Set(reflect.New(v.Type().Elem()))
			d.fill(v.Elem())
		}
	case reflect.Slice:
		for range d.byte() % 3 {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			d.fill(v.Index(v.Len() - 1))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			d.fill(v.Field(i))
		}
	}
}

func (d *dice) events() moments {
	var m moments
	kinds := allEvents()
	for len(d.left) > 0 {
		e := kinds[int(d.byte())%len(kinds)]
		v := reflect.New(reflect.TypeOf(e).Elem())
		d.fill(v.Elem())
		e = v.Interface().(Event)
		switch e := e.(type) {
		case *Start:
			e.Schema = SchemaVersion
		case *Attempt:
			if e.Result = []string{"done", "failed", "lost", "undone", e.Result}[d.byte()%5]; e.Slot > 100 {
				e.Slot %= 4
			}
		}
		m = append(m, moments{{Seconds(d.number()) * 1000, e}}...)
	}
	return m
}

// Whatever happens in whatever order: the trace is one that programs read, with every
// attempt in it, and each line is what the schema says.
func FuzzSequences(f *testing.F) {
	schema := readSchema(f)
	f.Add([]byte{})
	f.Add([]byte{5, 1, 2, 'a', 'b', 0, 3, 1, 1, 9, 1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 4, 1, 'x', 1, 1, 1})
	f.Add(bytes.Repeat([]byte{5, 255, 1, 201, 7, 44, 2, 250, 3, 128}, 40))
	for seed := range byte(8) {
		noise := make([]byte, 2000)
		for i, x := 0, uint32(seed)+1; i < len(noise); i++ {
			x = x*1664525 + 1013904223
			noise[i] = byte(x >> 24)
		}
		f.Add(noise)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := (&dice{data}).events()
		trace := traceOf(t, m)
		if got, want := countCompiles(trace), countAttempts(m); got != want {
			t.Errorf("%d attempts, want %d", got, want)
		}
		for line := range bytes.Lines(write(t, "a", m)) {
			if err := schema.Check(line); err != nil {
				t.Errorf("%v: %s", err, line)
			}
		}
	})
}

// countAttempts counts those that ended, and those that only began.
func countAttempts(m moments) int {
	n := 0
	begun := map[attemptKey]bool{}
	for _, x := range m {
		switch e := x.e.(type) {
		case *AttemptStart:
			begun[attemptKey{e.Job, e.Slot, e.Where}] = true
		case *Attempt:
			delete(begun, attemptKey{e.Job, e.Slot, e.Where})
			n++
		}
	}
	return n + len(begun)
}

func countCompiles(trace *reporttest.Trace) int {
	n := 0
	for _, e := range trace.Events {
		if e.Kind == "X" && e.Args["job"] != nil {
			n++
		}
	}
	return n
}
