// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/dtlto/dtlto/internal/action"
	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/remote"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/toolchain"
)

// findCompiler finds the clang, and compiles with it here.
func (d *doctor) findCompiler(name string) (string, error) {
	var err error
	if name == "" {
		if name, err = theClang(d.settings); err != nil {
			return "", err
		}
	}
	if d.compiler, err = exec.FindCompiler(name); err != nil {
		return "", err
	}
	version, err := toolchain.ClangVersion(d.compiler)
	if err != nil {
		return "", err
	}
	if d.identity, err = identify(d.compiler)(); err != nil {
		return "", fmt.Errorf("%w: its compiles are neither cached nor done elsewhere", err)
	}
	if d.object, err = d.compileHere(); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s is clang %s", d.compiler, version), nil
}

// tryLauncher has the compiler say its version behind the launcher.
func (d *doctor) tryLauncher() (string, error) {
	l, err := newLauncher(d.settings.Launcher)
	if err != nil {
		return "", err
	}
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	words := l.inFront(folder, nil, nil)
	var said, complaint bytes.Buffer
	code, err := exec.Tool(d.ctx, l.path, slices.Concat(words[1:], []string{d.compiler, "--version"}), compilerEnvironment(), &said, &complaint)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s: exited with %d: %s", exec.CommandLine(words), code, strings.TrimSpace(complaint.String()))
	}
	if err != nil {
		return "", err
	}
	here, err := toolchain.ClangVersion(d.compiler)
	if err != nil {
		return "", err
	}
	there, err := toolchain.ParseClangVersion(d.compiler, said.String())
	if err == nil && here != there {
		err = fmt.Errorf("%s is clang %s there, and %s here", d.compiler, there, here)
	}
	return fmt.Sprintf("%s is clang %s there, too", d.compiler, there), err
}

// theClang is the one of links that say nothing else.
func theClang(s *settings.Settings) (string, error) {
	lld, err := toolchain.FindLLD(toolchain.Hints{Explicit: s.LLD})
	if err != nil {
		return "", err
	}
	return toolchain.FindClang(lld)
}

// newTrial is a module that every machine compiles to the same object, and that no
// storage has yet.
func newTrial() []byte {
	return []byte("; " + remote.UUID() + "\ndefine i32 @dtlto_doctor(i32 %x) {\n  %y = mul i32 %x, 42\n  ret i32 %y\n}\n")
}

// trialAction compiles the trial module.
func (d *doctor) trialAction() *action.Action {
	const input, output = "00.ll", "output0.o"
	target := "x86_64-unknown-linux-gnu"
	if runtime.GOARCH == "arm64" {
		target = "aarch64-unknown-linux-gnu"
	}
	return &action.Action{
		Args:    []string{"clang", "-c", "--target=" + target, "-O2", "-Wno-override-module", "-x", "ir", input, "-o", output},
		Inputs:  []action.Input{{Name: input, Digest: cas.DigestOf(d.trial)}},
		Outputs: []string{output}, Toolchain: "doctor",
	}
}

func (d *doctor) compileHere() ([]byte, error) {
	folder, err := os.MkdirTemp("", "dtlto-doctor-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	a := d.trialAction()
	input, output := filepath.Join(folder, a.Inputs[0].Name), filepath.Join(folder, a.Outputs[0])
	if err := os.WriteFile(input, d.trial, 0o600); err != nil {
		return nil, err
	}
	var said bytes.Buffer
	args := action.Replace(a.Args[1:], map[string]string{a.Inputs[0].Name: input, a.Outputs[0]: output})
	code, err := exec.Tool(d.ctx, d.compiler, args, compilerEnvironment(), &said, &said)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s: exited with %d: %s", d.compiler, code, strings.TrimSpace(said.String()))
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(output)
}
