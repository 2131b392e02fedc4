// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/remote"
)

func TestFile(t *testing.T) {
	getenv, _, _ := configuration(t, `# comment
jobs = 1_6             # a number
"keep-going" = true
min-free-memory = "2G"
cache-size = 0x400
remote-timeout = 1.5
remote-local-delay = "2m"
remote-local-fallback = false
tls-certificate = "ca.pem"
lld = "ld.lld-19"
launcher = 'ssh "my host"'
remote-instance-name = """$NAME-${NAME}$$"""
remote-jobs = "$N"
remote-header = [
	"Authorization=Bearer $TOKEN", # from the environment
	'x=$$TOKEN',
]
`+"copy = true\r\n", "")
	getenv["NAME"], getenv["TOKEN"], getenv["N"] = "a$b", "t$TOKEN${", "12"
	s := Default()
	if err := s.Load(nil, environ(getenv)); err != nil {
		t.Fatal(err)
	}
	o := s.Remote()
	got := []any{s.Jobs, s.KeepGoing, s.MinFreeMemory, s.CacheSize, o.Timeout.Seconds(), s.RemoteLocalDelay.Minutes(), s.RemoteLocalFallback,
		o.TLS.Certificate, s.LLD, s.Launcher, o.Instance, o.Jobs, o.Headers, s.Copy}
	want := []any{16, true, uint64(2 << 30), uint64(1024), 1.5, 2.0, false,
		filepath.Join(getenv["HOME"], ".config", "dtlto", "ca.pem"), "ld.lld-19", []string{"ssh", "my host"}, "a$b-a$b$", 12,
		[]remote.Header{{Name: "Authorization", Value: "Bearer t$TOKEN${"}, {Name: "x", Value: "$TOKEN"}}, true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if origin := s.shownOf("remote-header"); !strings.Contains(origin, "config.toml:14;") || strings.Contains(origin, "t$") {
		t.Error(origin)
	}
}

func TestFileErrors(t *testing.T) {
	for text, want := range map[string]string{
		"\njobs = 0":                           ":2:1: jobs: must be a number from 1 to 32767",
		"  jobs = '4'":                         ":1:3: jobs: must be a number, without quotes",
		"jobs = 4.0":                           ":1:1: jobs: must be a number, without quotes",
		"jobs = [4]":                           ":1:1: jobs: must be a number, without quotes",
		"copy = 1":                             ":1:1: copy: must be true or false, without quotes",
		"copy = 'true'":                        ":1:1: copy: must be true or false, without quotes",
		"cache-size = true":                    ":1:1: cache-size: must be a number, or a string with a unit",
		"cache-size = -1":                      ":1:1: cache-size: must be a size, as in 512M or 2G",
		"remote-timeout = inf":                 ":1:1: remote-timeout: must be seconds, or as in 90s or 2m, from 1ms to a day",
		"cache-dir = 2020-01-01":               ":1:1: cache-dir: must be a string",
		"remote-header = 'Secret=x'":           `:1:1: remote-header: must be a list of strings, as in ["NAME=VALUE"]`,
		"remote-header = ['a=b', 3]":           `:1:1: remote-header: must be a list of strings, as in ["NAME=VALUE"]`,
		"remote-header = ['Secret']":           ":1:1: remote-header: must be NAME=VALUE, with letters, digits, -, _ and . in NAME",
		"remote-header = ['a=Secret$UNSET']":   ":1:1: remote-header: the variable UNSET is not set, or empty",
		"remote-header = ['a=Secret${UNSET']":  ":1:1: remote-header: must have a variable's name after $, as in $NAME or ${NAME}; a dollar is written $$",
		"remote-header = ['a=Secret$']":        ":1:1: remote-header: must have a variable's name after $, as in $NAME or ${NAME}; a dollar is written $$",
		"remote-header = ['a=Secret$1']":       ":1:1: remote-header: must have a variable's name after $, as in $NAME or ${NAME}; a dollar is written $$",
		"remote-executer = 'Secret'":           ":1:1: remote-executer: unknown setting (did you mean remote-executor?)",
		"no-remote-local-fallback = true":      ":1:1: no-remote-local-fallback: unknown setting (did you mean remote-local-fallback?)",
		"remote_jobs = 3":                      ":1:1: remote_jobs: unknown setting (did you mean remote-jobs?)",
		"x = 1":                                ":1:1: x: unknown setting",
		"config = '/x'":                        ":1:1: config: a file of settings cannot name another",
		"[remote]\nexecutor = 'x'":             ":1:2: remote: there are no tables in this file, only lines NAME = VALUE",
		"remote.executor = 'Secret'":           ":1:1: remote.executor: there are no tables in this file, only lines NAME = VALUE",
		"[[jobs]]":                             ":1:3: jobs: there are no tables in this file, only lines NAME = VALUE",
		"jobs = 1\njobs = 2":                   ":2:1: key jobs is already defined",
		"jobs = 1 copy = true":                 ":1:10: expected newline but got U+0063 'c'",
		"remote-header = [\"a=Secret":          ":1:26: unterminated basic string",
		"remote-header = Secret":               ":1:17: unexpected character U+0053 'S' at start of value",
		"\"\\u001b[1m\" = 1":                   ":1:1: \"\\x1b[1m\": unknown setting",
		"'' = 1":                               ":1:1: \"\": unknown setting",
		strings.Repeat("#", maxFile+1):         ": the settings cannot be read: it has more than 65536 bytes",
		"jobs = " + strings.Repeat("[", 30000): "nested more than",
	} {
		getenv, path, _ := configuration(t, text, "")
		s := Default()
		err := s.Load(nil, environ(getenv))
		short := text[:min(len(text), 50)]
		if err == nil || !strings.HasPrefix(err.Error(), path+":") || !errors.As(err, new(*Error)) {
			t.Errorf("%s: error %v", short, err)
			continue
		}
		if got := strings.TrimPrefix(err.Error(), path); got != want && (len(text) < 1000 || !strings.Contains(got, want)) || strings.Contains(got, "Secret") {
			t.Errorf("%s: error %s\nwant %s", short, got, want)
		}
	}
}

// TestRestOfFile: what is wrong leaves the rest as it is meant.
func TestRestOfFile(t *testing.T) {
	getenv, _, _ := configuration(t, "remote-header = ['a=$UNSET']\nx = 1\nlld = '/l'", "")
	s := Default()
	if err := s.Load(nil, environ(getenv)); err == nil || s.LLD != "/l" || len(s.Remote().Headers) != 0 {
		t.Errorf("error %v, lld %s", err, s.LLD)
	}
}

func TestConfigFolder(t *testing.T) {
	for want, variables := range map[string]map[string]string{
		"/x":         {"XDG_CONFIG_HOME": "/x", "HOME": "/h"},
		"/h/.config": {"XDG_CONFIG_HOME": "relative", "HOME": "/h"},
		"":           {},
	} {
		if got := configFolder(environ(variables)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestUnreadable: no file of the user's is nothing to speak of, everything else is.
func TestUnreadable(t *testing.T) {
	home := t.TempDir()
	getenv := environ(map[string]string{"XDG_CONFIG_HOME": home})
	if err := Default().Load(nil, getenv); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(home, "dtlto"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := Default().Load(nil, getenv); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(home, "dtlto")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(home, "dtlto", "config.toml")
	if err := os.MkdirAll(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := Default().Load(nil, getenv); err == nil || err.Error() != path+": the settings cannot be read: is a directory" {
		t.Error(err)
	}
}

// FuzzFile: no file makes a panic, and every key of one without errors was set from
// its line.
func FuzzFile(f *testing.F) {
	for _, text := range []string{"jobs = 4", "remote-header = [\"a=$A\", '''b=c''']", "[t]\na.b = {c = 1}", "copy=true#x\n\"lld\"='y'\n\"\"=''", "jobs = 1\njobs = 2",
		"remote-timeout = 1e2", "cache-size = \"1\\u0047\"", "remote-local-delay = 1979-05-27T07:32:00Z", "x = [[[", "\xef\xbb\xbfjobs = 1"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, err := parseFile(text)
		if err != nil {
			if !errors.As(err, new(*locatedError)) {
				t.Errorf("no place: %v", err)
			}
			return
		}
		lines := strings.Count(string(text), "\n") + 1
		file := configFile{"/etc/f.toml", namedFile}
		seen := map[string]bool{}
		for _, e := range entries {
			if e.at.line < 1 || e.at.line > lines || e.at.column < 1 || e.value == nil || seen[e.key] {
				t.Errorf("%+v", e)
			}
			seen[e.key] = true
			values, err := file.valuesOf(e, func(string) string { return "v" })
			for _, v := range values {
				if Check(e.key, v) != nil {
					t.Errorf("%s = %q, which it cannot be", e.key, v)
				}
			}
			if err == nil && find(e.key) == nil {
				t.Errorf("%s: there is no such setting", e.key)
			}
		}
	})
}

func FuzzExpand(f *testing.F) {
	f.Add("a${B}$C$$")
	f.Fuzz(func(t *testing.T, v string) {
		// Dollars written twice, everything comes back.
		if got, err := expand(strings.ReplaceAll(v, "$", "$$"), environ(nil)); err != nil || got != v {
			t.Errorf("%q: %q, %v", v, got, err)
		}
		_, _ = expand(v, func(string) string { return "x" })
	})
}
