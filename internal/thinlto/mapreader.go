// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// maxMapLine bounds a line of a map. The longest are jobs with their imports: this is
// 100,000 of them by paths of 160 bytes.
const maxMapLine = 16 << 20

// trimmed is what LLD takes off both ends of a line.
const trimmed = " \t\n\v\f\r"

// recordPrefix begins the lines of dtlto's record, which go on with a JSON object.
const recordPrefix = "#dtlto "

// HasRecord says whether the text of a map has a record of dtlto's.
func HasRecord(text []byte) bool {
	const record = recordPrefix + `{"`
	return bytes.HasPrefix(text, []byte(record)) || bytes.Contains(text, []byte("\n"+record))
}

// ReadMap reads a map; name is what errors call it.
//
// Of a plain remap file, one without dtlto's record, only entries come out, and Version is
// 0. The record is read strictly: an unknown key, a missing or an empty name, a second
// version line, or one of a newer dtlto is an error that has file and line. Comments and
// blank lines are skipped as LLD does.
//
// Memory is a small multiple of the distinct names and 40 bytes for each entry.
func ReadMap(r io.Reader, name string) (*Map, error) {
	m := &mapReader{reader: reader{src: &source{r: new(bytes.Reader)}, names: pool{index: make(map[string]int)}}}
	m.dec = jsontext.NewDecoder(m.src)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxMapLine)
	number := 1
	for ; lines.Scan(); number++ {
		if err := m.line(bytes.Trim(lines.Bytes(), trimmed)); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", shown(name), number, err)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("%s:%d: a line of more than %d bytes", shown(name), number, maxMapLine)
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", shown(name), withoutPath(err))
	}
	if m.out.Version > 0 && !m.ended {
		return nil, fmt.Errorf("%s: is not whole: do the thin link again", shown(name))
	}
	out := m.out // a copy, or it would keep the reader and its pool alive
	return &out, nil
}

// A mapReader goes through one map.
type mapReader struct {
	reader // of the JSON in a line
	out    Map
	ended  bool
}

func (m *mapReader) line(line []byte) error {
	switch {
	case bytes.HasPrefix(line, []byte(recordPrefix+"{")):
		return m.record(line[len(recordPrefix):])
	case len(line) == 0 || line[0] == '#':
		return nil
	}
	from, to, ok := bytes.Cut(line, []byte{'='})
	if !ok || len(from) == 0 || len(to) == 0 || bytes.IndexByte(to, '=') >= 0 {
		return errNotEntry
	}
	if bytes.IndexByte(line, 0) >= 0 {
		return errNUL
	}
	e := MapEntry{From: m.names.add(from).text, To: m.names.add(to).text}
	if name, ok := unescapeGlob(e.From); ok {
		e.From = name
	} else {
		e.Glob = true
	}
	m.out.Entries = append(m.out.Entries, e)
	return nil
}

// record reads a line of dtlto's record, less its prefix.
func (m *mapReader) record(line []byte) error {
	m.src.r.(*bytes.Reader).Reset(line)
	m.src.idle, m.src.err = 0, nil
	m.dec.Reset(m.src)
	n := 0
	err := m.fields(func(key string) error {
		if n++; m.out.Version == 0 && key != "version" {
			return errors.New("before the line that has the version")
		}
		return m.entry(key, n)
	})
	if err == nil && n == 0 {
		err = errors.New("an empty record")
	}
	if err == nil {
		err = m.end()
	}
	return err
}

// entry reads the value of the n-th key of a line.
func (m *mapReader) entry(key string, n int) error {
	switch {
	case key == "version" && n == 1 && m.out.Version == 0:
		return m.version()
	case key == "version":
		return errors.New("a second version")
	case key == "llvm" && n == 2:
		return m.number(&m.out.LLVM)
	case n != 1:
		return errors.New("a second key in the line")
	case key == "options":
		if m.out.Options != nil {
			return errors.New("given twice")
		}
		var err error
		m.out.Options, err = m.list(input)
		return err
	case key == "job":
		return m.job()
	case key == "load":
		return m.load()
	case key == "end":
		return m.last()
	case key == "add":
		var add string
		err := m.path(&add)
		m.out.Add = append(m.out.Add, add)
		return err
	}
	return errors.New("unknown key")
}

// last reads how many lines there were.
func (m *mapReader) last() error {
	var lines int64
	if err := m.offset(&lines); err != nil {
		return err
	}
	if lines != m.out.size() {
		return fmt.Errorf("lines are missing or added: there were %d, and are %d", lines, m.out.size())
	}
	m.ended = true
	return nil
}

func (m *mapReader) version() error {
	if err := m.number(&m.out.Version); err != nil {
		return err
	}
	if m.out.Version > mapVersion {
		return fmt.Errorf("a newer dtlto wrote this map (version %d, known is %d): use that dtlto, or do the thin link again", m.out.Version, mapVersion)
	}
	return nil
}

func (m *mapReader) job() error {
	var j MapJob
	err := m.fields(func(key string) (err error) {
		switch key {
		case "module":
			return m.path(&j.Module)
		case "index":
			return m.path(&j.Index)
		case "object":
			return m.path(&j.Object)
		case "digest":
			return m.path(&j.Digest)
		case "imports":
			j.Imports, err = m.list(input)
			return err
		case "unused":
			return m.flag(&j.Unused)
		}
		return errors.New("unknown key")
	})
	if err == nil && (j.Module == "" || j.Index == "" || j.Object == "") {
		err = errors.New("a job without module, index or object")
	}
	m.out.Jobs = append(m.out.Jobs, j)
	return err
}

func (m *mapReader) load() error {
	var l MapLoad
	err := m.fields(func(key string) error {
		switch key {
		case "file":
			return m.path(&l.File)
		case "member":
			return m.path(&l.Member)
		case "offset":
			return m.offset(&l.Offset)
		case "unnamed":
			return m.flag(&l.Unnamed)
		}
		return errors.New("unknown key")
	})
	if err == nil && l.File == "" {
		err = errors.New("a load without a file")
	}
	m.out.Load = append(m.out.Load, l)
	return err
}

// fields reads an object whose values f reads. The decoder sees to duplicate keys.
func (m *mapReader) fields(f func(key string) error) error {
	if err := m.enter('{', "an object"); err != nil {
		return err
	}
	for m.dec.PeekKind() == '"' {
		text, err := m.text()
		if err != nil {
			return err
		}
		key := cut(string(text))
		if err := f(key); err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
	}
	return m.token()
}

func (m *mapReader) path(to *string) error {
	n, err := m.name()
	if err != nil {
		return err
	}
	if *to = n.text; n.text == "" {
		return errEmptyName
	}
	return nil
}

// number reads a number from 1 to 9999.
func (m *mapReader) number(to *int) error {
	var n int64
	err := m.integer(&n, 9999, "a number from 1 to 9999")
	*to = int(n)
	return err
}

// offset reads a place in a file that is not its beginning, or a number of lines.
func (m *mapReader) offset(to *int64) error { return m.integer(to, math.MaxInt64, "an offset") }

// integer reads a number from 1 to most, which is to be what.
func (m *mapReader) integer(to *int64, most int64, what string) error {
	if k := m.dec.PeekKind(); k != '0' {
		return m.unexpected("a number", k)
	}
	raw, err := m.dec.ReadValue()
	if err != nil {
		return m.failed(err)
	}
	m.src.idle = 0
	if *to, err = strconv.ParseInt(string(raw), 10, 64); err != nil || *to < 1 || *to > most {
		return fmt.Errorf("wants %s, has %s", what, cut(string(raw)))
	}
	return nil
}

func (m *mapReader) flag(to *bool) error {
	k := m.dec.PeekKind()
	if k != 't' && k != 'f' {
		return m.unexpected("true or false", k)
	}
	*to = k == 't'
	return m.token()
}
