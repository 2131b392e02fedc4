// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

// Pieces of job files.
const (
	someCommon = `"common":{"linker_output":"p","args":["clang","-c"],"inputs":[]}`
	job0       = `{"args":["a.o","-o","a.n"],"inputs":["a.o","a.bc","b.o"],"outputs":["a.n"]}`
	job1       = `{"args":["b.o","-o","b.n"],"inputs":["b.o","b.bc"],"outputs":["b.n","b.dwo"]}`
)

func withJobs(jobs ...string) string {
	return `{` + someCommon + `,"jobs":[` + strings.Join(jobs, ",") + `]}`
}

func withCommon(common string) string { return `{"common":` + common + `,"jobs":[]}` }

var twoJobs = &JobFile{
	Output: "p",
	Args:   []string{"clang", "-c"},
	Jobs: []Job{
		{[]string{"a.o", "-o", "a.n"}, []string{"a.o", "a.bc", "b.o"}, []string{"a.n"}},
		{[]string{"b.o", "-o", "b.n"}, []string{"b.o", "b.bc"}, []string{"b.n", "b.dwo"}},
	},
}

func TestRead(t *testing.T) {
	odd := `{"linker_output":"p","args":["\u0063l\ud83d\ude00","","\"\\\/\b\f\n\r\t"],"inputs":["l"]}`
	tests := []struct {
		name, text string
		want       *JobFile
	}{
		{"two jobs", withJobs(job0, job1), twoJobs},
		{"jobs first", `{"jobs":[` + job0 + "," + job1 + "]," + someCommon + `}`, twoJobs},
		{"keys of a job in another order", withJobs(
			`{"outputs":["a.n"],"inputs":["a.o","a.bc","b.o"],"args":["a.o","-o","a.n"]}`, job1), twoJobs},
		{"space", "\n" + strings.ReplaceAll(withJobs(job0, job1), ",", " ,\r\n\t") + "\n ", twoJobs},
		{"no jobs", withJobs(), &JobFile{Output: "p", Args: twoJobs.Args}},
		{"escapes and empty arguments", withCommon(odd), &JobFile{
			Output: "p", Args: []string{"cl😀", "", "\"\\/\b\f\n\r\t"}, Inputs: []string{"l"}}},
		{"escaped key", strings.Replace(withJobs(job0, job1), "jobs", `\u006aobs`, 1), twoJobs},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Read("f", iotest.OneByteReader(strings.NewReader(tt.text)))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestReadMalformed(t *testing.T) {
	oneJob := func(args, inputs, outputs string) string {
		return withJobs(`{"args":` + args + `,"inputs":` + inputs + `,"outputs":` + outputs + `}`)
	}
	long := strings.Repeat("x", 300)
	tests := []struct{ name, text, want string }{
		{"empty file", ``, `the file ends too early: unexpected EOF`},
		{"only space", " \n", `the file ends too early: unexpected EOF`},
		{"truncated in a string", `{"common":{"linker_output":"p`, `"common.linker_output": the file ends too early: unexpected EOF`},
		{"truncated after a key", `{"common"`, `"common": the file ends too early: unexpected EOF`},
		{"truncated after a job", `{"jobs":[` + job0, `job 1: the file ends too early: unexpected EOF`},
		{"truncated in a job", `{"jobs":[{"args":[],"inputs":["a","b"`, `job 0 (a): "inputs": element 2: the file ends too early: unexpected EOF`},
		{"truncated before the last brace", strings.TrimSuffix(withJobs(job0), "}"), `the file ends too early: unexpected EOF`},
		{"no JSON", `hello`, `invalid character 'h' at start of value at offset 0`},
		{"byte order mark", "\ufeff" + withJobs(), `invalid character '\ufeff' at start of value at offset 0`},
		{"not UTF-8", oneJob(`["a`+"\xff"+`"]`, `["a","b"]`, `["c"]`), `job 0: "args": element 0: invalid UTF-8 at offset 85`},
		{"half a surrogate pair", withCommon(`{"linker_output":"\ud83d"}`), "\"common.linker_output\": invalid surrogate pair `\\ud83d\"},\"jo` in string at offset 28"},
		{"raw control character", withCommon("{\"linker_output\":\"\x01\"}"), `"common.linker_output": invalid character '\x01' in string (expecting non-control character) at offset 28`},
		{"no comma", withJobs(job0 + job1), `job 1: invalid character '{' after array element (expecting ',' or ']') at offset 149`},
		{"comma too many", withJobs(job0, ""), `job 1: invalid character ',' at start of value at offset 149`},
		{"key without a value", `{"jobs"}`, `"jobs": invalid character '}' after object name (expecting ':') at offset 7`},
		{"key that is no string", `{1:2}`, `object member name must be a string at offset 1`},
		{"another document", withJobs() + withJobs(), `something follows the end of the job file`},
		{"rubbish at the end", withJobs() + "x", `something follows the end of the job file`},

		{"a list", `[]`, `wants an object, has a list`},
		{"null", `null`, `wants an object, has null`},
		{"common is a list", withCommon(`[]`), `"common": wants an object, has a list`},
		{"linker_output is a number", withCommon(`{"linker_output":1}`), `"common.linker_output": wants a string, has a number`},
		{"args is a string", withCommon(`{"args":"clang"}`), `"common.args": wants a list of strings, has a string`},
		{"an argument is a list", withCommon(`{"args":["clang",["-c"]]}`), `"common.args": element 1: wants a string, has a list`},
		{"inputs is null", withCommon(`{"inputs":null}`), `"common.inputs": wants a list of strings, has null`},
		{"jobs is an object", `{"jobs":{}}`, `"jobs": wants a list, has an object`},
		{"a job is a boolean", `{"jobs":[true]}`, `job 0: wants an object, has a boolean`},
		{"an input is an object", oneJob(`[]`, `["m",{}]`, `[]`), `job 0 (m): "inputs": element 1: wants a string, has an object`},
		{"an output is null", oneJob(`[]`, `["m","i"]`, `[null]`), `job 0 (m): "outputs": element 0: wants a string, has null`},

		{"no keys", `{}`, `"common": missing`},
		{"no jobs key", `{` + someCommon + `}`, `"jobs": missing`},
		{"no linker_output", withCommon(`{"args":["c"],"inputs":[]}`), `"common.linker_output": missing`},
		{"no common args", withCommon(`{"linker_output":"p","inputs":[]}`), `"common.args": missing`},
		{"no common inputs", withCommon(`{"linker_output":"p","args":["c"]}`), `"common.inputs": missing`},
		{"no args", withJobs(`{"inputs":["m","i"],"outputs":["o"]}`), `job 0 (m): "args": missing`},
		{"no inputs", withJobs(job0, `{"args":[],"outputs":["o"]}`), `job 1: "inputs": missing`},
		{"no outputs", withJobs(`{"args":[],"inputs":["m","i"]}`), `job 0 (m): "outputs": missing`},
		{"unknown key", `{"version":2,` + someCommon + `}`, `"version": unknown key`},
		{"unknown key in common", withCommon(`{"env":{}}`), `"common.env": unknown key`},
		{"unknown key in a job", withJobs(job0, `{"inputs":["m","i"],"cost":3}`), `job 1 (m): "cost": unknown key`},
		{"unknown long key", `{"` + long + `":1}`, `"` + long[:maxShown] + `…": unknown key`},
		{"key twice", `{` + someCommon + `,` + someCommon + `,"jobs":[]}`, `"common": given twice`},
		{"key of common twice", withCommon(`{"args":["c"],"args":["c"]}`), `"common.args": given twice`},
		{"key of a job twice", withJobs(`{"inputs":["m","i"],"inputs":["m","i"]}`), `job 0 (m): "inputs": given twice`},

		{"no compiler", withCommon(`{"args":[]}`), `"common.args": needs the compiler, is empty`},
		{"empty compiler", withCommon(`{"args":["","-c"]}`), `"common.args": the compiler is an empty string`},
		{"empty linker_output", withCommon(`{"linker_output":""}`), `"common.linker_output": an empty path`},
		{"empty common input", withCommon(`{"inputs":["x",""]}`), `"common.inputs": element 1: an empty path`},
		{"no module", oneJob(`[]`, `[]`, `["o"]`), `job 0: "inputs": needs the module and its index, has 0`},
		{"no index", oneJob(`[]`, `["b.o"]`, `["o"]`), `job 0 (b.o): "inputs": needs the module and its index, has 1`},
		{"empty module", oneJob(`[]`, `["","i"]`, `["o"]`), `job 0: "inputs": element 0: an empty path`},
		{"empty import", oneJob(`[]`, `["m","i",""]`, `["o"]`), `job 0 (m): "inputs": element 2: an empty path`},
		{"no output", oneJob(`[]`, `["m","i"]`, `[]`), `job 0 (m): "outputs": needs the object, is empty`},
		{"empty output", oneJob(`[]`, `["m","i"]`, `[""]`), `job 0 (m): "outputs": element 0: an empty path`},

		{"NUL in linker_output", withCommon(`{"linker_output":"a\u0000b"}`), `"common.linker_output": has a NUL byte`},
		{"NUL in an argument", oneJob(`["x","\u0000"]`, `["m","i"]`, `["o"]`), `job 0: "args": element 1: has a NUL byte`},
		{"NUL in an input", oneJob(`[]`, `["m","i\u0000"]`, `["o"]`), `job 0 (m): "inputs": element 1: has a NUL byte`},
		{"NUL in an output", oneJob(`[]`, `["m","i"]`, `["o","\u0000"]`), `job 0 (m): "outputs": element 1: has a NUL byte`},

		{"output twice in a job", oneJob(`[]`, `["m","i"]`, `["o","o"]`), `job 0 (m): "outputs": element 1: o is an output of job 0 already`},
		{"output of two jobs", withJobs(job0, `{"inputs":["m","i"],"outputs":["x","a.n"]}`), `job 1 (m): "outputs": element 1: a.n is an output of job 0 already`},
		{"output is the module", oneJob(`[]`, `["m","i"]`, `["m"]`), `job 0 (m): "outputs": element 0: m is an input of job 0 already`},
		{"output is an earlier import", withJobs(job0, `{"inputs":["m","i"],"outputs":["b.o"]}`), `job 1 (m): "outputs": element 0: b.o is an input of job 0 already`},
		{"output is a later import", withJobs(job0, `{"inputs":["m","i","a.n"]}`), `job 1 (m): "inputs": element 2: a.n is an output of job 0 already`},
		{"output is a common input", `{"common":{"inputs":["a.n"],"args":["c"],"linker_output":"p"},"jobs":[` + job0 + `]}`, `job 0 (a.o): "outputs": element 0: a.n is an input of every job already`},
		{"later common input is an output", `{"jobs":[` + job0 + `],"common":{"inputs":["a.n"]}}`, `"common.inputs": element 0: a.n is an output of job 0 already`},

		{"module that would upset a terminal", oneJob(`[]`, `["\u001b[2J\u202e"]`, `["o"]`), `job 0 ("\x1b[2J\u202e"): "inputs": needs the module and its index, has 1`},
		{"module with a space and an accent", oneJob(`[]`, `["a é.o"]`, `["o"]`), `job 0 (a é.o): "inputs": needs the module and its index, has 1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			const name = "p.2704.dist-file.json"
			f, err := Read(name, strings.NewReader(tt.text))
			if f != nil || err == nil {
				t.Fatalf("accepted: %+v", f)
			}
			if got, want := err.Error(), name+": "+tt.want; got != want {
				t.Errorf("\ngot  %s\nwant %s", got, want)
			}
			var jfe *JobFileError
			if !errors.As(err, &jfe) {
				t.Fatalf("a %T", err)
			}
			if jfe.Offset < 0 || jfe.Offset > int64(len(tt.text)) {
				t.Errorf("offset %d of %d bytes", jfe.Offset, len(tt.text))
			}
			if early := strings.Contains(tt.want, "too early"); errors.Is(err, io.ErrUnexpectedEOF) != early {
				t.Errorf("errors.Is(err, io.ErrUnexpectedEOF) = %v", !early)
			}
		})
	}
}

func TestJobFileErrorFields(t *testing.T) {
	_, err := Read("f", strings.NewReader(withJobs(job0, `{"args":[],"inputs":["b.o"]`)))
	var jfe *JobFileError
	if !errors.As(err, &jfe) {
		t.Fatalf("got %v", err)
	}
	text := withJobs(job0, `{"args":[],"inputs":["b.o"]`)
	at := int64(strings.Index(text, `["b.o"]`) + len(`["b.o"]`))
	want := JobFileError{File: "f", Job: 1, Module: "b.o", Field: "inputs", Offset: at, Err: jfe.Err}
	if *jfe != want {
		t.Errorf("got %+v, want %+v", *jfe, want)
	}
}

// Every way to cut a good file short must be an error, whatever the reader's pieces.
func TestReadTruncated(t *testing.T) {
	text := withJobs(job0, job1)
	for n := range len(text) {
		if f, err := Read("f", strings.NewReader(text[:n])); err == nil {
			t.Fatalf("%d bytes of %d: %+v", n, len(text), f)
		}
	}
}

// endless repeats a byte, and fails the test if far more is taken than a bounded reader needs.
type endless struct {
	t     *testing.T
	fill  byte
	taken int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.taken += len(p); e.taken > 16*maxToken {
		e.t.Error("read without end")
		return 0, io.EOF
	}
	for i := range p {
		p[i] = e.fill
	}
	return len(p), nil
}

func TestReadBoundsTokens(t *testing.T) {
	for _, start := range []string{``, `{"`, `{"common":{"linker_output":"`, `{"jobs":[`} {
		for _, fill := range []byte(" x[") {
			r := io.MultiReader(strings.NewReader(start), &endless{t: t, fill: fill})
			_, err := Read("f", r)
			var jfe *JobFileError
			if !errors.As(err, &jfe) {
				t.Errorf("%q and %q without end: %v", start, fill, err)
			}
		}
	}
	r := io.MultiReader(strings.NewReader(`{"common":{"linker_output":"`), &endless{t: t, fill: 'x'})
	if _, err := Read("f", r); !errors.Is(err, errLong) {
		t.Errorf("got %v", err)
	}
}

func TestReadTakesLongStrings(t *testing.T) {
	long := strings.Repeat("x", maxToken-2)
	f, err := Read("f", strings.NewReader(withCommon(`{"linker_output":"`+long+`","args":["c"],"inputs":[]}`)))
	if err != nil || f.Output != long {
		t.Errorf("error %v", err)
	}
}

func TestReadReportsReadErrors(t *testing.T) {
	broken := errors.New("the disk is gone")
	for _, start := range []string{``, `{"common":`, `{"jobs":[{"args":["x`, withJobs()} {
		r := io.MultiReader(strings.NewReader(start), iotest.ErrReader(broken))
		if _, err := Read("f", r); !errors.Is(err, broken) || !strings.HasSuffix(err.Error(), ": the disk is gone") {
			t.Errorf("after %q: %v", start, err)
		}
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.json")
	if err := os.WriteFile(good, []byte(withJobs(job0, job1)), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(good)
	if d := cmp.Diff(twoJobs, got); err != nil || d != "" {
		t.Errorf("error %v, -want +got:\n%s", err, d)
	}
	none := filepath.Join(dir, "none.json")
	_, err = ReadFile(none)
	if want := none + ": no such file or directory"; err == nil || err.Error() != want || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = ReadFile(dir)
	if want := dir + ": is a directory"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Sharing is what makes large links fit: equal strings must be one string, not two copies,
// and the slices carved for jobs must not reach into each other.
func TestReadShares(t *testing.T) {
	f, err := Read("f", strings.NewReader(withJobs(job0, job1)))
	if err != nil {
		t.Fatal(err)
	}
	a, b := f.Jobs[0].Imports()[0], f.Jobs[1].Module()
	if a != b || unsafe.StringData(a) != unsafe.StringData(b) {
		t.Errorf("%q and %q are two copies", a, b)
	}
	for i := range f.Jobs {
		j := &f.Jobs[i]
		_ = append(j.Args, "X")
		_ = append(j.Inputs, "X")
		_ = append(j.Outputs, "X")
	}
	if d := cmp.Diff(twoJobs, f); d != "" {
		t.Errorf("after appending: -want +got:\n%s", d)
	}
}
