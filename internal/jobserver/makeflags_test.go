// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package jobserver

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		flags string
		want  auth
		err   string // a part of it
	}{
		{flags: "", err: ErrNone.Error()},
		{flags: "n", err: ErrNone.Error()},
		{flags: "ks -j", err: ErrNone.Error()},
		{flags: " -j4 --jobserver-auth=3,4", want: auth{read: 3, write: 4}}, // make 4.3
		{flags: "kw -j4 --jobserver-fds=5,6 -Otarget", want: auth{read: 5, write: 6}},
		{flags: "--jobserver-fds=3,4 -j --jobserver-auth=7,8", want: auth{read: 7, write: 8}},  // Cargo
		{flags: " -j4 --jobserver-auth=fifo:/tmp/GMfifo12", want: auth{fifo: "/tmp/GMfifo12"}}, // make 4.4
		{flags: " -j4 --jobserver-auth=fifo:/tmp/a\\ b\\\\c", want: auth{fifo: "/tmp/a b\\c"}},
		{flags: " -j4 --jobserver-auth=3,4 --jobserver-auth=-2,-2", err: "put + in front of it"}, // make 4.4, pipe, no +
		{flags: "--jobserver-auth=3,4 --jobserver-auth=fifo:x", want: auth{fifo: "x"}},
		{flags: " -j4 --jobserver-auth=3,4 -- X=a\\ --jobserver-auth=5,6", want: auth{read: 3, write: 4}},
		{flags: " -j4 -- X --jobserver-auth=5,6", err: ErrNone.Error()},
		{flags: "\t-j4\t--jobserver-auth=3,4\t", want: auth{read: 3, write: 4}},
		{flags: "--jobserver-auth=3", err: "neither"},
		{flags: "--jobserver-auth=", err: "neither"},
		{flags: "--jobserver-auth=fifo:", err: "neither"},
		{flags: "--jobserver-auth=3,4,5", err: "neither"},
		{flags: "--jobserver-auth=gmake_semaphore_12", err: "neither"}, // Windows
		{flags: "--jobserver-auth=99999999999999999999,4", err: "neither"},
		{flags: "--jobserver-auth", err: ErrNone.Error()},
		{flags: "\\", err: ErrNone.Error()},
	} {
		got, err := parse(tc.flags)
		if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%q: %+v, %v", tc.flags, got, err)
		}
		if tc.err == ErrNone.Error() && !errors.Is(err, ErrNone) {
			t.Errorf("%q: %v is not ErrNone", tc.flags, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(" -j4 --jobserver-auth=3,4 -- X=a\\ b")
	f.Add("--jobserver-auth=fifo:/a\\ b")
	f.Fuzz(func(t *testing.T, flags string) {
		a, err := parse(flags)
		if err != nil && a != (auth{}) || err == nil && a.fifo == "" && (a.read < 0 || a.write < 0) {
			t.Errorf("%+v, %v", a, err)
		}
		if slices.Contains(words(flags), "") {
			t.Error("an empty word")
		}
	})
}
