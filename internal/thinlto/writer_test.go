// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// compact returns what WriteTo writes, and checks the count it returns.
func compact(t *testing.T, f *JobFile) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := f.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("%d bytes of %d, error %v", n, b.Len(), err)
	}
	return b.Bytes()
}

func indented(t *testing.T, f *JobFile) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.WriteIndented(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// manyJobs is larger than the printer's buffer.
func manyJobs(n int) *JobFile {
	f := &JobFile{Output: "p", Args: []string{"clang"}, Inputs: []string{"list.txt"}}
	for i := range n {
		m := fmt.Sprintf("dir/%d.o", i)
		f.Jobs = append(f.Jobs, Job{[]string{m, "-o", m + ".n"}, []string{m, m + ".bc"}, []string{m + ".n"}})
	}
	return f
}

func TestWriteTo(t *testing.T) {
	tests := []struct {
		name, want string
		f          *JobFile
	}{
		{"two jobs", withJobs(job0, job1), twoJobs},
		{"no jobs", withJobs(), &JobFile{Output: "p", Args: twoJobs.Args}},
		{"nothing", `{"common":{"linker_output":"","args":[],"inputs":[]},"jobs":[]}`, &JobFile{}},
		{
			"escapes",
			`{"common":{"linker_output":"\"\\/\u0008\t\n\u000b\u000c\r\u0001\u001f` + "\x7f<&>'é\u2028😀" + `","args":["c"],"inputs":[]},"jobs":[]}`,
			&JobFile{Output: "\"\\/\b\t\n\v\f\r\x01\x1f\x7f<&>'é\u2028😀", Args: []string{"c"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(compact(t, tt.f)); got != tt.want {
				t.Errorf("\ngot  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestWriteAndReadAgain(t *testing.T) {
	for _, f := range []*JobFile{twoJobs, manyJobs(0), manyJobs(5000)} {
		for _, text := range [][]byte{compact(t, f), indented(t, f)} {
			got, err := Read("f", bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(f, got); d != "" {
				t.Fatalf("%d jobs: -want +got:\n%s", len(f.Jobs), d)
			}
		}
	}
}

// The standard library's indentation decides what the indented form looks like.
func TestWriteIndented(t *testing.T) {
	for _, f := range []*JobFile{{}, twoJobs, manyJobs(3)} {
		var want bytes.Buffer
		if err := json.Indent(&want, compact(t, f), "", "  "); err != nil {
			t.Fatal(err)
		}
		want.WriteByte('\n')
		if d := cmp.Diff(want.String(), string(indented(t, f))); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
	}
}

func TestWriteRefusesWhatReadRefuses(t *testing.T) {
	for _, s := range []string{"a\xffb", "a\x00b", "\xed\xa0\x80"} {
		f := &JobFile{Output: "p", Args: []string{"clang", s}}
		n, err := f.WriteTo(new(bytes.Buffer))
		if want := fmt.Sprintf("%q cannot be in a job file", s); err == nil || err.Error() != want || n != 0 {
			t.Errorf("%d bytes, error %v", n, err)
		}
	}
}

// full takes some bytes, then no more.
type full struct{ room int }

var errFull = errors.New("no space left")

func (w *full) Write(p []byte) (int, error) {
	n := min(len(p), w.room)
	w.room -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

func TestWriteErrors(t *testing.T) {
	f := manyJobs(5000)
	size := len(compact(t, f))
	for _, room := range []int{0, 1, flushAt + 10, size - 1} {
		if n, err := f.WriteTo(&full{room}); n != int64(room) || !errors.Is(err, errFull) {
			t.Errorf("room for %d: %d bytes, error %v", room, n, err)
		}
	}
	if n, err := f.WriteTo(&full{size}); n != int64(size) || err != nil {
		t.Errorf("room for all: %d bytes, error %v", n, err)
	}
	if err := f.WriteIndented(&full{100}); !errors.Is(err, errFull) {
		t.Errorf("indented: %v", err)
	}
}

// FuzzRead looks for input that makes Read misbehave, and checks that what it accepts
// survives being written and read again in both forms.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"", withJobs(), withJobs(job0, job1), withCommon(`{"linker_output":"\u0001\ud83d\ude00","args":["c"],"inputs":["i"]}`),
		`{"jobs":[` + job1 + `],` + someCommon + "}\n", strings.Replace(withJobs(job0), `"b.o"`, `"a.n"`, 1),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Read("f", bytes.NewReader(text))
		if err != nil {
			var jfe *JobFileError
			if !errors.As(err, &jfe) || jfe.Offset < 0 || jfe.Offset > int64(len(text)) || !strings.HasPrefix(err.Error(), "f: ") {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		for i := range file.Jobs {
			j := &file.Jobs[i]
			if j.Module() == "" || j.Index() == "" || j.Object() == "" || file.Args[0] == "" {
				t.Fatalf("accepted %+v", j)
			}
		}
		for _, again := range [][]byte{compact(t, file), indented(t, file)} {
			same, err := Read("f", bytes.NewReader(again))
			if err != nil {
				t.Fatalf("%v in what was written: %s", err, again)
			}
			if d := cmp.Diff(file, same); d != "" {
				t.Fatalf("-read +read again:\n%s", d)
			}
		}
	})
}
