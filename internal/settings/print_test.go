// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"errors"
	"strings"
	"testing"
)

func TestPrint(t *testing.T) {
	getenv, path, _ := configuration(t, `remote-header = ["Authorization=Bearer Secret"]`, "")
	getenv["DTLTO_REMOTE_CACHE"] = "grpcs://user:Secret@cache:443"
	getenv["DTLTO_LLD"] = "/a\x1b[1m"
	getenv["DTLTO_REMOTE_DEFAULT_EXEC_PROPERTIES"] = "OSFamily=linux\ncontainer-registry-password=Secret"
	s := Default()
	if err := s.Load([]Given{{"--jobs", "jobs", "4"}}, environ(getenv)); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := s.Print(&text); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.FieldsFunc(text.String(), func(r rune) bool { return r == ' ' }), " ")
	for _, want := range []string{
		"# settings in " + path + "\n",
		"\njobs = 4 # --jobs\n",
		"\nlauncher-jobs = 4 # default\n",
		"\nremote-header = Authorization=(hidden) # " + path + ":1\n",
		"\nremote-cache = grpcs://(hidden)@cache:443 # DTLTO_REMOTE_CACHE\n",
		"\nremote-default-exec-properties = OSFamily=linux # DTLTO_REMOTE_DEFAULT_EXEC_PROPERTIES\n",
		"\nremote-default-exec-properties = container-registry-password=(hidden) # DTLTO_REMOTE_DEFAULT_EXEC_PROPERTIES\n",
		"\nlld = \"/a\\x1b[1m\" # DTLTO_LLD\n",
		"\nremote-exec-header = \"\" # default\n",
		"\nkeep-going = false # default\n",
		"\nremote-local-fallback = true # default\n",
		"\nmin-free-memory = 512M # default\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if strings.Contains(got, "Secret") {
		t.Errorf("a secret in\n%s", text.String())
	}
	if err := s.Print(failing{}); err == nil {
		t.Error("no error from a writer that fails")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestHide(t *testing.T) {
	for address, want := range map[string]string{
		"grpc://h:1": "grpc://h:1", "h:1": "h:1", "": "", "unix:/a@b": "(hidden)@b",
		"grpc://u:p@h:1": "grpc://(hidden)@h:1", "u:p@h": "(hidden)@h", "grpcs://u:a@b/c@h": "grpcs://(hidden)@h",
	} {
		if got := hideUser(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	if got := hideValue("Secret"); got != hidden {
		t.Error(got)
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"job": "jobs", "remote-excutor": "remote-executor", "tls-cert": "", "": "", "x": "", "cofig": "config",
		strings.Repeat("remote-", 1000): "",
	} {
		if got := nearest(name, "", true); got != "" && want == "" || !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	getenv := environ(map[string]string{"XDG_CONFIG_HOME": b.TempDir(), "DTLTO_JOBS": "3"})
	for b.Loop() {
		if err := Default().Load(nil, getenv); err != nil {
			b.Fatal(err)
		}
	}
}
