// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childEnv says what this program is to do in a session of its own; see TestChild.
const childEnv = "DTLTO_TEST_TERMINAL"

// TestChild is what others run in a terminal: it says whether there is to be a status line
// and colours, or draws one.
func TestChild(t *testing.T) {
	verb, rest, _ := strings.Cut(os.Getenv(childEnv), " ")
	switch verb {
	case "":
		t.Skip("not run by another test")
	case "background":
		cmd := exec.Command(os.Args[0], "-test.run=^TestChild$")
		cmd.Env = append(os.Environ(), childEnv+"="+rest)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		must(t, cmd.Run())
	case "wants":
		for _, c := range wanted {
			getenv := c.getenv()
			fmt.Printf("%s: %v %v\n", c.what(), WantsStatus(os.Stderr, getenv, c.when), WantsColour(os.Stderr, getenv))
		}
	case "draw":
		s := NewStatusLine(os.Stderr, quickly)
		s.Take(0, &PhaseStart{Phase: "thin link"})
		time.Sleep(50 * time.Millisecond)
		fmt.Fprintln(s, "a message")
		s.Stop()
	case "silent":
		s := NewStatusLine(os.Stderr, quickly)
		s.Take(0, &PhaseStart{Phase: "thin link"})
		time.Sleep(50 * time.Millisecond)
		fmt.Fprint(s, "")
		s.Stop()
		fmt.Println("stopped")
	}
}

// inTerminal runs TestChild in a session of its own whose terminal is p.
func inTerminal(t *testing.T, p *pty, verb string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childEnv+"="+verb)
	cmd.Stderr = p.file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", verb, err, out)
	}
	return string(out)
}

type wantedCase struct {
	when, name, value string // of a variable that is not as usual
	status, colour    bool   // what is wanted
}

var wanted = []wantedCase{
	{"auto", "", "", true, true},
	{"never", "", "", false, true},
	{"always", "", "", true, true},
	{"auto", "TERM", "", false, false},
	{"auto", "TERM", "dumb", false, false},
	{"always", "TERM", "dumb", true, false},
	{"auto", "NO_COLOR", "1", true, false},
	{"auto", "CI", "true", false, true},
	{"auto", "CI", "1", false, true},
	{"auto", "CI", "False", true, true},
	{"auto", "CI", "0", true, true},
	{"always", "CI", "true", true, true},
	{"auto", "MAKEFLAGS", " -j4 --jobserver-auth=3,4", false, true},
	{"auto", "MAKEFLAGS", " -j --jobserver-fds=3,4 -j", false, true},
	{"auto", "MAKEFLAGS", "k", true, true},
	{"always", "MAKEFLAGS", " -j4 --jobserver-auth=fifo:/x", true, true},
}

func (c *wantedCase) what() string { return fmt.Sprintf("%s, %s=%s", c.when, c.name, c.value) }

func (c *wantedCase) getenv() func(string) string {
	env := map[string]string{"TERM": "xterm"}
	env[c.name] = c.value
	return func(name string) string { return env[name] }
}

// TestWanted asks in a real terminal, in its foreground and in its background.
func TestWanted(t *testing.T) {
	for verb, background := range map[string]bool{"wants": false, "background wants": true} {
		got := inTerminal(t, openPTY(t, 80, true), verb)
		for _, c := range wanted {
			status := c.status && (!background || c.when == "always")
			if want := fmt.Sprintf("%s: %v %v\n", c.what(), status, c.colour); !strings.Contains(got, want) {
				t.Errorf("%s: not %s, but\n%s", verb, want, got)
			}
		}
	}
}

// TestNoTerminal asks where there is none, or one of another session.
func TestNoTerminal(t *testing.T) {
	xterm := func(name string) string { return map[string]string{"TERM": "xterm"}[name] }
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	must(t, err)
	defer null.Close()
	read, pipe, err := os.Pipe()
	must(t, err)
	defer read.Close()
	defer pipe.Close()
	for _, file := range []*os.File{null, pipe} {
		if WantsStatus(file, xterm, "auto") || WantsStatus(file, xterm, "always") || WantsColour(file, xterm) {
			t.Errorf("%s is taken for a terminal", file.Name())
		}
	}
	if p := openPTY(t, 80, true); WantsStatus(p.file, xterm, "auto") || !WantsStatus(p.file, xterm, "always") {
		t.Error("wrong about the terminal of another session")
	}
}

// TestBackground is that a process in the background draws nothing; its messages get
// through.
func TestBackground(t *testing.T) {
	for verb, drawn := range map[string]bool{"draw": true, "background draw": false} {
		p := openPTY(t, 80, true)
		inTerminal(t, p, verb)
		if all := p.all(); strings.Contains(all, "thin link") != drawn || p.last() != "" || p.lines()[0] != "a message" {
			t.Errorf("%s: %q", verb, all)
		}
	}
}
