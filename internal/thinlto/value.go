// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// maxToken is how many bytes the decoder may ask for without finding the end of a token.
// No path and no argument is near it: Linux passes none longer than 128 KiB to a program.
const maxToken = 1 << 20

var (
	errEmptyPath = errors.New("an empty path")
	errNUL       = errors.New("has a NUL byte")
	errLong      = fmt.Errorf("a string of more than %d bytes", maxToken)
)

// A source feeds the decoder, which buffers a whole token: without the bound, a file that
// is one endless string would be read into memory.
type source struct {
	r    io.Reader
	idle int   // bytes delivered since the reader last took a token
	err  error // why reading failed, unless by the end of the file
}

func (s *source) Read(p []byte) (int, error) {
	if s.idle >= maxToken {
		s.err = errLong
		return 0, s.err
	}
	n, err := s.r.Read(p)
	s.idle += n
	if err != nil && err != io.EOF {
		s.err = withoutPath(err)
	}
	return n, err
}

// A role says what the strings of a list are.
type role int

const (
	argument role = iota
	input
	output
)

// object reads an object that has each of members once and nothing else. Errors name the
// key with prefix before it; afterwards the current field is what it was.
func (r *reader) object(prefix string, members []member) error {
	outer := r.field
	if err := r.enter('{', "an object"); err != nil {
		return err
	}
	var seen uint
	for r.dec.PeekKind() == '"' {
		i, err := r.key(prefix, members, seen)
		if err != nil {
			return err
		}
		seen |= 1 << i
		if err := members[i].read(r); err != nil {
			return err
		}
		r.field = outer
	}
	if err := r.token(); err != nil {
		return err
	}
	return r.complete(prefix, members, seen)
}

// key reads a key, makes it the current field and returns its place in members.
func (r *reader) key(prefix string, members []member, seen uint) (int, error) {
	text, err := r.text()
	if err != nil {
		return 0, err
	}
	for i := range members {
		if string(text) != members[i].key {
			continue
		}
		r.field = prefix + members[i].key
		if seen&(1<<i) != 0 {
			return 0, errors.New("given twice")
		}
		return i, nil
	}
	r.field = prefix + string(text)
	return 0, errors.New("unknown key")
}

// complete reports the first of members that was not seen.
func (r *reader) complete(prefix string, members []member, seen uint) error {
	for i := range members {
		if seen&(1<<i) == 0 {
			r.field = prefix + members[i].key
			return errors.New("missing")
		}
	}
	return nil
}

// list reads an array of strings.
func (r *reader) list(as role) ([]string, error) {
	if err := r.enter('[', "a list of strings"); err != nil {
		return nil, err
	}
	r.items = r.items[:0]
	for r.dec.PeekKind() != ']' {
		n, err := r.name()
		if err == nil {
			err = r.claim(n, as)
		}
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", len(r.items), err)
		}
		r.items = append(r.items, n.text)
	}
	if err := r.token(); err != nil {
		return nil, err
	}
	return r.lists.copy(r.items), nil
}

// claim notes that the current job, or every job, uses n as a path, unless that cannot be.
func (r *reader) claim(n *name, as role) error {
	if as == argument {
		return nil
	}
	if n.text == "" {
		return errEmptyPath
	}
	if n.output != nobody {
		return fmt.Errorf("%s is an output of %s already", shown(n.text), owner(n.output))
	}
	if as == output {
		return r.claimOutput(n)
	}
	if r.job >= 0 && len(r.items) == 0 {
		r.module = n.text
	}
	if n.input == nobody {
		n.input = r.user()
	}
	return nil
}

func (r *reader) claimOutput(n *name) error {
	if n.input != nobody {
		return fmt.Errorf("%s is an input of %s already", shown(n.text), owner(n.input))
	}
	n.output = r.user()
	return nil
}

// user returns the owner for paths that are read now.
func (r *reader) user() int {
	if r.job < 0 {
		return everyone
	}
	return r.job + 1
}

func owner(n int) string {
	if n == everyone {
		return "every job"
	}
	return fmt.Sprintf("job %d", n-1)
}

// name reads a string and returns its entry in the pool.
func (r *reader) name() (*name, error) {
	text, err := r.text()
	if err != nil {
		return nil, err
	}
	return r.names.add(text), nil
}

// text reads a string. The bytes are good until the next read.
func (r *reader) text() ([]byte, error) {
	if k := r.dec.PeekKind(); k != '"' {
		return nil, r.unexpected("a string", k)
	}
	raw, err := r.dec.ReadValue()
	if err != nil {
		return nil, r.failed(err)
	}
	r.src.idle = 0
	if text := raw[1 : len(raw)-1]; bytes.IndexByte(text, '\\') < 0 {
		return text, nil
	}
	if r.scratch, err = jsontext.AppendUnquote(r.scratch[:0], raw); err != nil {
		return nil, err
	}
	if bytes.IndexByte(r.scratch, 0) >= 0 { // JSON has no other way to write one
		return nil, errNUL
	}
	return r.scratch, nil
}

// enter reads the bracket that begins what is wanted.
func (r *reader) enter(bracket jsontext.Kind, wanted string) error {
	if k := r.dec.PeekKind(); k != bracket {
		return r.unexpected(wanted, k)
	}
	return r.token()
}

// kinds names the values that can stand where another was wanted.
var kinds = map[jsontext.Kind]string{
	'n': "null", 'f': "a boolean", 't': "a boolean", '"': "a string", '0': "a number",
	'{': "an object", '[': "a list",
}

// unexpected is the error for a value of another kind, or for no value at all.
func (r *reader) unexpected(wanted string, k jsontext.Kind) error {
	if has, ok := kinds[k]; ok {
		return fmt.Errorf("wants %s, has %s", wanted, has)
	}
	if err := r.token(); err != nil {
		return err
	}
	return fmt.Errorf("wants %s", wanted)
}

// token reads the bracket that PeekKind announced, or learns why there is none.
func (r *reader) token() error {
	if _, err := r.dec.ReadToken(); err != nil {
		return r.failed(err)
	}
	r.src.idle = 0
	return nil
}

// end makes sure that nothing but space follows.
func (r *reader) end() error {
	_, err := r.dec.ReadToken()
	if r.src.err != nil {
		return r.src.err
	}
	if !errors.Is(err, io.EOF) {
		return errors.New("something follows the end of the job file")
	}
	return nil
}

// failed puts an error of the decoder into this package's words.
func (r *reader) failed(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case r.src.err != nil:
		return r.src.err
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the file ends too early: %w", io.ErrUnexpectedEOF)
	case errors.As(err, &syntax):
		return &syntaxError{syntax}
	}
	return err
}

// A syntaxError is text that is no JSON. It says so without the decoder's own path, which
// would repeat what JobFileError says.
type syntaxError struct{ *jsontext.SyntacticError }

func (e *syntaxError) Error() string {
	return fmt.Sprintf("%v at offset %d", e.Err, e.ByteOffset)
}

func (e *syntaxError) Unwrap() error { return e.SyntacticError }
