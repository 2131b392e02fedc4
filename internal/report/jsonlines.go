// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"bytes"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// JSONLines writes events as lines of JSON (docs/events.md).
type JSONLines struct {
	w    io.Writer
	link []byte // in quotes
	line []byte
	buf  bytes.Buffer
	enc  *jsontext.Encoder // to buf
	err  error
}

// NewJSONLines makes a sink that writes to w the events of a link, with the link's id in
// each. Each line is one Write: links that append to one file leave each other's lines
// whole. What is not UTF-8 in names is U+FFFD.
func NewJSONLines(w io.Writer, link string) *JSONLines {
	l := &JSONLines{w: w, link: quote(nil, link)}
	l.enc = jsontext.NewEncoder(&l.buf, jsontext.AllowInvalidUTF8(true))
	return l
}

// Take writes an event. After an error nothing more is written: a line that was cut would
// run into the next.
func (l *JSONLines) Take(at Seconds, e Event) {
	if l.err != nil {
		return
	}
	l.line = append(l.line[:0], `{"event":"`...)
	l.line = append(l.line, e.kind()...)
	l.line = at.appendTo(append(l.line, `","at":`...))
	l.line = append(append(l.line, `,"link":`...), l.link...)
	l.buf.Reset()
	if l.err = json.MarshalEncode(l.enc, e); l.err != nil {
		return
	}
	fields := l.buf.Bytes()[1:] // without the brace; every event has a field that is never left out
	l.line = append(append(l.line, ','), fields...)
	_, l.err = l.w.Write(l.line)
}

// Err is why lines are missing, nil if none are.
func (l *JSONLines) Err() error { return l.err }

// MarshalEnd is a line of JSON with the fields of the end event.
func MarshalEnd(e *End) []byte {
	line, _ := json.Marshal(e, jsontext.AllowInvalidUTF8(true)) // there is nothing in it that can be an error
	return append(line, '\n')
}

// quote appends s as a JSON string, in UTF-8: nothing but quotes, backslashes and control
// characters is escaped.
func quote(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // the error is of what is no UTF-8, and is replaced
	return b
}
