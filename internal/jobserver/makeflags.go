// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package jobserver

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrNone says that MAKEFLAGS has no jobserver.
var ErrNone = errors.New("no jobserver in MAKEFLAGS")

// errKept is what can be done about a jobserver that is a pipe. Make closes its ends for
// a command that it does not take for another make; make 4.3 names them all the same, make
// 4.4 gives numbers below 0.
var errKept = errors.New("make keeps its jobserver from this command: put + in front of it in the recipe, or use GNU make 4.4, whose jobserver is a file")

// auth is how a jobserver is reached.
type auth struct {
	fifo        string // a path; empty for a pipe
	read, write int    // the ends of the pipe
}

// parse finds the jobserver in MAKEFLAGS. The last one counts (GNU make's manual, "Job Slots").
func parse(makeflags string) (auth, error) {
	value, found := "", false
	for _, word := range words(makeflags) {
		if word == "--" { // what follows are variables
			break
		}
		for _, option := range []string{"--jobserver-auth=", "--jobserver-fds="} { // fds before make 4.2
			if v, ok := strings.CutPrefix(word, option); ok {
				value, found = v, true
			}
		}
	}
	if !found {
		return auth{}, ErrNone
	}
	return parseAuth(value)
}

func parseAuth(value string) (auth, error) {
	if path, ok := strings.CutPrefix(value, "fifo:"); ok && path != "" {
		return auth{fifo: path}, nil
	}
	r, w, _ := strings.Cut(value, ",")
	read, err := strconv.Atoi(r)
	write, err2 := strconv.Atoi(w)
	if err != nil || err2 != nil {
		return auth{}, fmt.Errorf("MAKEFLAGS: the jobserver %q is neither fifo:PATH nor two file descriptors", value)
	}
	if read < 0 || write < 0 {
		return auth{}, errKept
	}
	return auth{read: read, write: write}, nil
}

// words splits MAKEFLAGS. Make puts a backslash before a blank that does not end a word.
func words(text string) []string {
	var (
		all    []string
		word   strings.Builder
		inside bool
	)
	end := func() {
		if inside {
			all = append(all, word.String())
		}
		inside = false
		word.Reset()
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == ' ' || c == '\t':
			end()
			continue
		case c == '\\' && i+1 < len(text):
			i++
		}
		inside = true
		word.WriteByte(text[i])
	}
	end()
	return all
}
