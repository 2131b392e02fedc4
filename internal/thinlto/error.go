// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShown bounds, in bytes, how much of a name from a job file a message repeats.
const maxShown = 200

// A JobFileError says what is wrong with a job file, and where. Jobs and the elements of
// lists are counted from 0, as the tools that print JSON paths do.
type JobFileError struct {
	File   string // as the caller named it
	Job    int    // the job's number, -1 when the fault lies outside the jobs
	Module string // the job's module, "" when it was not known yet
	Field  string // the key, "common." before the keys of common; "" when there is none
	Offset int64  // how many bytes of the file had been taken when the fault was seen
	Err    error
}

func (e *JobFileError) Error() string {
	var b strings.Builder
	b.WriteString(shown(e.File))
	if e.Job >= 0 {
		b.WriteString(": job " + strconv.Itoa(e.Job))
	}
	if e.Module != "" {
		b.WriteString(" (" + shown(e.Module) + ")")
	}
	if e.Field != "" {
		b.WriteString(": " + strconv.Quote(cut(e.Field)))
	}
	return b.String() + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *JobFileError) Unwrap() error { return e.Err }

// shown returns s as a message may show it: as it is when that is harmless on a terminal,
// quoted otherwise, and never longer than maxShown and a few bytes.
func shown(s string) string {
	s = cut(s)
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}

// cut shortens s to maxShown bytes, at the border of a character.
func cut(s string) string {
	if len(s) <= maxShown {
		return s
	}
	end := maxShown
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
