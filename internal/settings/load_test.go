// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/lld"
)

// configuration is a home with a file of settings, and another file, if they have text.
func configuration(t *testing.T, user, named string) (getenv map[string]string, userPath, namedPath string) {
	t.Helper()
	home := t.TempDir()
	getenv = map[string]string{"HOME": home, "DTLTO_CONFIG": ""}
	userPath, namedPath = filepath.Join(home, ".config", "dtlto", "config.toml"), filepath.Join(home, "dtlto.toml")
	if err := os.MkdirAll(filepath.Dir(userPath), 0o777); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{userPath: user, namedPath: named} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if named != "" {
		getenv["DTLTO_CONFIG"] = namedPath
	}
	return getenv, userPath, namedPath
}

func (s *Settings) shownOf(name string) string {
	var all []string
	for _, row := range s.rows() {
		if row[0] == name {
			all = append(all, row[1]+" # "+row[2])
		}
	}
	return strings.Join(all, "; ")
}

// TestPrecedence has each source alone, over the weaker ones, and lists.
func TestPrecedence(t *testing.T) {
	for _, tc := range []struct {
		name, user, named, variable, option string
		want                                string
	}{
		{"remote-jobs", "", "", "", "", "200 # default"},
		{"remote-jobs", "remote-jobs = 1", "", "", "", "1 # USER:1"},
		{"remote-jobs", "remote-jobs = 1", "\n\nremote-jobs = 2", "", "", "2 # NAMED:3"},
		{"remote-jobs", "remote-jobs = 1", "remote-jobs = 2", "3", "", "3 # DTLTO_REMOTE_JOBS"},
		{"remote-jobs", "remote-jobs = 1", "remote-jobs = 2", "3", "--dtlto-remote-jobs=4", "4 # --dtlto-remote-jobs"},
		{"remote-jobs", "", "", "", "--dtlto-remote-jobs=5 --dtlto-remote-jobs=4", "4 # --dtlto-remote-jobs"},
		{"remote-executor", `remote-executor = "h"`, "", "", "--dtlto-remote-executor=", `"" # --dtlto-remote-executor`},
		{"summary", "", "", "", "--dtlto-summary", "true # --dtlto-summary"},
		{"summary", "summary = true", "", "", "--dtlto-summary=no", "false # --dtlto-summary"},
		{"summary", "", "", "", "", "false # default"},
		{"remote-local-fallback", "", "", "", "", "true # default"},
		{"remote-local-fallback", "", "", "", "--dtlto-no-remote-local-fallback", "false # --dtlto-no-remote-local-fallback"},
		{"remote-local-fallback", "", "", "off", "--dtlto-no-remote-local-fallback --dtlto-remote-local-fallback", "true # --dtlto-remote-local-fallback"},
		{"input", `input = ["/a"]`, `input = ["/b", "c"]`, "d\ne", "--dtlto-input=f",
			"/a # USER:1; /b # NAMED:1; DIR/c # NAMED:1; d # DTLTO_INPUT; e # DTLTO_INPUT; f # --dtlto-input"},
		{"remote-header", `remote-header = ["a=1", "b=2"]`, `remote-header = ["A=3", "a=4"]`, "c=5", "--dtlto-remote-header=C=6",
			"b=(hidden) # USER:1; A=(hidden) # NAMED:1; a=(hidden) # NAMED:1; C=(hidden) # --dtlto-remote-header"},
		{"remote-default-exec-properties", `remote-default-exec-properties = ["a=1", "A=2"]`, "", "", "--dtlto-remote-default-exec-properties=a=3",
			"A=2 # USER:1; a=3 # --dtlto-remote-default-exec-properties"},
		{"credential-helper", `credential-helper = ["/a", "h=/b"]`, "", "H=/c", "", "/a # USER:1; H=/c # DTLTO_CREDENTIAL_HELPER"},
	} {
		getenv, userPath, namedPath := configuration(t, tc.user, tc.named)
		getenv[find(tc.name).variable()] = tc.variable
		given, err := FromArguments(lld.Parse(strings.Fields(tc.option)))
		s := Default()
		if err = errors.Join(err, s.Load(given, environ(getenv))); err != nil {
			t.Errorf("%+v: %v", tc, err)
		}
		want := strings.NewReplacer("USER", userPath, "NAMED", namedPath, "DIR", filepath.Dir(namedPath)).Replace(tc.want)
		if got := s.shownOf(tc.name); got != want {
			t.Errorf("%s: %s\nwant %s", tc.name, got, want)
		}
	}
}

// TestNamedFile has the ways to name one.
func TestNamedFile(t *testing.T) {
	getenv, _, named := configuration(t, "jobs = 1", "jobs = 2")
	s := Default()
	if err := s.Load(nil, environ(getenv)); err != nil || s.Jobs != 2 || s.Config != named {
		t.Errorf("named by a variable: %d, %v", s.Jobs, err)
	}
	s = Default() // the command line says that there is none
	if err := s.Load([]Given{{"--config", "config", ""}}, environ(getenv)); err != nil || s.Jobs != 1 {
		t.Errorf("not named: %d, %v", s.Jobs, err)
	}
	s = Default()
	err := s.Load([]Given{{"--config", "config", named + "x"}}, environ(getenv))
	if err == nil || err.Error() != named+"x: the settings cannot be read: no such file or directory" || s.Jobs != 1 {
		t.Errorf("not there: %d, %v", s.Jobs, err)
	}
	// Nothing is looked for where a link runs.
	t.Chdir(filepath.Dir(named))
	s = Default()
	getenv["DTLTO_CONFIG"] = ""
	if err := s.Load(nil, environ(getenv)); err != nil || s.Jobs != 1 {
		t.Errorf("a file in the working folder: %d, %v", s.Jobs, err)
	}
}

func TestLoadErrors(t *testing.T) {
	for _, tc := range []struct{ variable, value, option, want string }{
		{"DTLTO_JOBS", "many", "", "DTLTO_JOBS=many: must be a number from 1 to 32767"},
		{"DTLTO_JOBS", "many", "jobs=0", "--jobs=0: must be a number from 1 to 32767"},
		{"DTLTO_REMOTE_HEADER", "Secret", "", "DTLTO_REMOTE_HEADER: must be NAME=VALUE, with letters, digits, -, _ and . in NAME"},
		{"", "", "no-remote-local-fallback=false", "--no-remote-local-fallback=false: takes no value"},
		{"", "", "frobnicate=Secret", "--frobnicate: there is no such setting"},
	} {
		var given []Given
		if name, value, ok := strings.Cut(tc.option, "="); ok {
			given = []Given{{"--" + name, name, value}}
		}
		s := Default()
		err := s.Load(given, environ(map[string]string{tc.variable: tc.value, "DTLTO_REMOTE_JOBS": "7"}))
		if err == nil || err.Error() != tc.want || !errors.As(err, new(*Error)) {
			t.Errorf("error %v, want %s", err, tc.want)
		}
		if s.Jobs != Default().Jobs || s.Remote().Jobs != 7 {
			t.Errorf("%s: jobs %d, remote jobs %d", tc.want, s.Jobs, s.Remote().Jobs)
		}
	}
}

func TestFromArguments(t *testing.T) {
	for _, tc := range []struct{ line, err string }{
		{"a.o -o p --dtlto-jobs=3 --dtlto-keep-going -dtlto-lld=/x --dtlto-no-remote-accept-cached", ""},
		{"--dtlto-jobs=0", "--dtlto-jobs=0: must be a number from 1 to 32767"},
		{"--dtlto-jobs", "--dtlto-jobs: needs a value, as in --dtlto-jobs=N"},
		{"--dtlto-summary=perhaps", "--dtlto-summary=perhaps: must be true or false"},
		{"--dtlto-remote-header=Secret", "--dtlto-remote-header: must be NAME=VALUE, with letters, digits, -, _ and . in NAME"},
		{"--dtlto-remote-heder=Secret", "--dtlto-remote-heder: unknown option (did you mean --dtlto-remote-header?); see ld.dtlto --dtlto-help"},
		{"--dtlto-no-remote-accept-cache", "--dtlto-no-remote-accept-cache: unknown option (did you mean --dtlto-no-remote-accept-cached?); see ld.dtlto --dtlto-help"},
		{"--dtlto-frobnicate=1", "--dtlto-frobnicate: unknown option; see ld.dtlto --dtlto-help"},
		{"--dtlto-=1", "--dtlto-: unknown option; see ld.dtlto --dtlto-help"},
		{"--dtlto-no-jobs", "--dtlto-no-jobs: unknown option; see ld.dtlto --dtlto-help"},
	} {
		_, err := FromArguments(lld.Parse(strings.Fields(tc.line)))
		if tc.err == "" && err != nil || tc.err != "" && (err == nil || err.Error() != tc.err || !errors.As(err, new(*Error))) {
			t.Errorf("%s: error %v, want %s", tc.line, err, tc.err)
		}
	}
}

func TestHandOn(t *testing.T) {
	for _, tc := range []struct {
		line, args string
		variables  map[string]string
	}{
		{line: "a.o"},
		{line: "--dtlto-jobs=2 --dtlto-jobs=3 --dtlto-keep-going --dtlto-lld=/x --dtlto-mode=staged --dtlto-no-remote-accept-cached",
			args: "--jobs=3 --keep-going=true --remote-accept-cached=false"},
		{line: "--dtlto-input=a --dtlto-input=b --dtlto-config=/dev/null", args: "--input=a --input=b --config=/dev/null"},
		{line: "--dtlto-remote-executor=grpc://h --dtlto-remote-default-exec-properties=a=b", args: "--remote-executor=grpc://h --remote-default-exec-properties=a=b"},
		{line: "--dtlto-remote-header=Authorization=c --dtlto-remote-header=x=y", variables: map[string]string{"DTLTO_REMOTE_HEADER": "v=w\nAuthorization=c\nx=y"}},
		{line: "--dtlto-remote-cache=grpc://u:p@h", variables: map[string]string{"DTLTO_REMOTE_CACHE": "grpc://u:p@h"}},
		{line: "--dtlto-remote-cache=grpc://u:p@h --dtlto-remote-cache=h", args: "--remote-cache=h"},
		{line: "--dtlto-remote-default-exec-properties=a=b --dtlto-remote-default-exec-properties=x-password=c",
			variables: map[string]string{"DTLTO_REMOTE_DEFAULT_EXEC_PROPERTIES": "a=b\nx-password=c"}},
	} {
		getenv, _, _ := configuration(t, `remote-header = ["authorization=a", "file=b"]`, "")
		getenv["DTLTO_REMOTE_HEADER"] = "v=w\nauthorization=b"
		linker := Default()
		given, err := FromArguments(lld.Parse(strings.Fields(tc.line)))
		if err = errors.Join(err, linker.Load(given, environ(getenv))); err != nil {
			t.Fatal(err)
		}
		args, variables := linker.HandOn()
		if got := strings.Join(args, " "); got != tc.args || len(variables) != len(tc.variables) {
			t.Errorf("%s: %s and %q", tc.line, got, variables)
		}
		given = nil
		for _, arg := range args {
			name, value, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
			given = append(given, Given{"", name, value})
		}
		for name, value := range variables {
			if value != tc.variables[name] {
				t.Errorf("%s: %s is %q", tc.line, name, value)
			}
			getenv[name] = value
		}
		// The distributor comes to the same.
		distributor := Default()
		if err := distributor.Load(given, environ(getenv)); err != nil {
			t.Fatal(err)
		}
		for i := range All {
			a, b := linker.texts(&All[i]), distributor.texts(&All[i])
			if !All[i].LinkOnly && a != b {
				t.Errorf("%s: %s is %q for the linker and %q for the distributor", tc.line, All[i].Name, a, b)
			}
		}
	}
}

func (s *Settings) texts(setting *Setting) string {
	var texts []string
	for _, v := range s.values[setting.Name] {
		texts = append(texts, v.text)
	}
	return strings.Join(texts, "\n")
}
