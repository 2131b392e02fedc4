// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/command"
	"github.com/dtlto/dtlto/internal/settings"
)

var day = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func TestPagesHaveEverySettingAndCommand(t *testing.T) {
	all := pages(day)
	for i := range settings.All {
		s := &settings.All[i]
		if !s.LinkOnly && !strings.Contains(all["dtlto.1"], ".It "+strings.Join(option(s.Name, s.Argument), " ")+"\n") {
			t.Errorf("dtlto(1) does not have --%s", s.Name)
		}
		if !strings.Contains(all["ld.dtlto.1"], ".It "+strings.Join(option("dtlto-"+s.Name, s.Argument), " ")+"\n") {
			t.Errorf("ld.dtlto(1) does not have --dtlto-%s", s.Name)
		}
	}
	for _, cmd := range command.NewManual().Root.Commands() {
		if cmd.IsAvailableCommand() && !strings.Contains(all["dtlto.1"], ".Ss "+argument(cmd.Name())+"\n") {
			t.Errorf("dtlto(1) does not have the command %s", cmd.Name())
		}
	}
}

// mandoc reads pages more strictly than man does.
func TestPagesAreMdoc(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		if os.Getenv("DTLTO_TEST_ALLOW_SKIP") != "" {
			t.Skip("mandoc: is not installed")
		}
		t.Fatal("mandoc: is not installed: scripts/install-toolchain.sh does")
	}
	folder := filepath.Join(t.TempDir(), "man1")
	if err := write([]string{folder}, "2026-11-22"); err != nil {
		t.Fatal(err)
	}
	for name := range pages(day) {
		if out, err := exec.Command(mandoc, "-T", "lint", "-W", "warning", filepath.Join(folder, name)).CombinedOutput(); err != nil {
			t.Errorf("%v:\n%s", err, out)
		}
	}
	out, err := exec.Command(mandoc, "-T", "ascii", filepath.Join(folder, "ld.dtlto.1")).CombinedOutput()
	if text := overstruck(string(out)); err != nil || !strings.Contains(text, "--dtlto-min-free-memory=SIZE") || !strings.Contains(text, "November 22, 2026") {
		t.Errorf("ld.dtlto(1) does not read as it should (%v):\n%s", err, text)
	}
}

// overstruck is text without what makes a printer's letters bold.
func overstruck(text string) string {
	var b strings.Builder
	runes := []rune(text)
	for i, r := range runes {
		if r != '\b' && (i+1 == len(runes) || runes[i+1] != '\b') {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func TestProse(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"sentences", "One. Two\nthree.\n", "One.\nTwo three.\n"},
		{"no sentence", "As in a.c or e.g. this.\n", "As in a.c or e.g. this.\n"},
		{"paragraphs", "One.\n\nTwo.", "One.\n.Pp\nTwo.\n"},
		{"literal", "So:\n  a \\\n    b\nEnd.", "So:\n.Bd -literal -offset indent\na \\e\n  b\n.Ed\nEnd.\n"},
		{"no macro", ".Sh is\n\n  .Ed\n", "\\&.Sh is\n.Bd -literal -offset indent\n\\&.Ed\n.Ed\n"},
		{"as it was typed", "--a 'b' `c` ~ ^ \"d\" …", `\-\-a \(aqb\(aq \(gac\(ga \(ti \(ha \(dqd\(dq \[u2026]` + "\n"},
	} {
		p := new(page)
		p.prose(test.text)
		want := strings.ReplaceAll(test.want, "End.", ".Pp\nEnd.")
		if p.String() != want {
			t.Errorf("%s: %q, want %q", test.name, p.String(), want)
		}
	}
}

func TestUsage(t *testing.T) {
	for use, want := range map[string]string{
		"[OPTION]... JOBS.json": `Oo Ar \&OPTION Oc Ns \&... Ar \&JOBS.json`,
		"--format=FORMAT":       `Fl \&\-format= Ns Ar \&FORMAT`,
		"-- CLANG -O2":          `Fl \&\- Ar \&CLANG Fl \&O2`,
		"-flto=thin":            `Fl \&flto=thin`,
		"bash|zsh|fish":         `Cm \&bash|zsh|fish`,
		"[LINK]":                `Oo Ar \&LINK Oc`,
		"":                      "",
	} {
		if got := strings.Join(usageWords(use), " "); got != want {
			t.Errorf("%s: %s, want %s", use, got, want)
		}
	}
}

func TestOptionsOfCommands(t *testing.T) {
	text := pages(day)["dtlto.1"]
	_, doctor, _ := strings.Cut(text, `.Ss \&doctor`)
	doctor, _, _ = strings.Cut(doctor, ".Ss ")
	if !strings.Contains(doctor, `.It Fl \&\-json`) || !strings.Contains(doctor, "It has all options below but for\n") {
		t.Errorf("dtlto(1) says of doctor:\n%s", doctor)
	}
	if !strings.Contains(text, "The FORMAT to write: make, ") {
		t.Error("dtlto(1) does not say what a FORMAT is")
	}
}

func TestOptionsOfTheLinkerAreNamedAsItsOwn(t *testing.T) {
	for text, want := range map[string]string{
		"down to --cache-size, as --jobs.":  "down to --dtlto-cache-size, as --dtlto-jobs.",
		"(default: --remote-executor)":      "(default: --dtlto-remote-executor)",
		"what --cache-size-of-others means": "what --cache-size-of-others means",
	} {
		if got := inWordsOf("dtlto-", text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	_ = os.WriteFile(file, nil, 0o600)
	for _, test := range []struct {
		args []string
		date string
	}{{nil, "2026-11-22"}, {[]string{t.TempDir()}, "22.11.2026"}, {[]string{file}, "2026-11-22"}} {
		if err := write(test.args, test.date); err == nil {
			t.Errorf("%q, %s: no error", test.args, test.date)
		}
	}
}
