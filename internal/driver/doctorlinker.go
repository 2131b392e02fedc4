// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/toolchain"
)

// fittingLinker finds the ld.lld that links by the compiler take.
func (d *doctor) fittingLinker() (string, error) {
	version, err := toolchain.ClangVersion(d.compiler)
	if err != nil {
		return "", err
	}
	path, err := linkerOf(d.compiler, version, d.settings.LLD)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s is of the same version, %s", path, version), nil
}

// linkerOf finds the ld.lld that links by a clang take, as links find it. The error says
// what comes of it if that is not of the clang's version: a newer LLD reads what an older
// clang compiles, but not the other way round.
func linkerOf(clang string, version toolchain.Version, explicit string) (string, error) {
	none := func(what string) error {
		if explicit != "" {
			return fmt.Errorf("the chosen ld.lld is not of its version: %s: install lld-%d and choose that, or none (--dtlto-lld, DTLTO_LLD)", what, version.Major)
		}
		return fmt.Errorf("no ld.lld of its version was found: %s: install lld-%d", what, version.Major)
	}
	const broken = "links by this clang will not work"
	path, err := toolchain.FindLLD(toolchain.Hints{Explicit: explicit, Compiler: clang, Major: func() int { return version.Major }})
	if errors.Is(err, toolchain.ErrNoLLD) {
		return "", none(broken)
	}
	if err != nil {
		return "", none(fmt.Sprintf("%s (%v)", broken, err))
	}
	switch found, err := toolchain.LLDVersion(path); {
	case err != nil:
		return "", none(fmt.Sprintf("%s (%v)", broken, err))
	case found.Major < version.Major:
		return "", none(fmt.Sprintf("%s (they take %s, LLD %s, which is too old for what it compiles)", broken, path, found))
	case found != version:
		return "", none(fmt.Sprintf("links by this clang take %s, LLD %s, and the clang of that", path, found))
	}
	return path, nil
}

// linkerName finds out what the compiler takes for the linker called dtlto.
func (d *doctor) linkerName() {
	ctx, stop := context.WithTimeout(d.ctx, d.settings.Remote().Timeout)
	defer stop()
	const check = "-fuse-ld=dtlto"
	var said strings.Builder
	code, err := exec.Tool(ctx, d.compiler, []string{"-print-prog-name=ld.dtlto"}, compilerEnvironment(), &said, io.Discard)
	path := strings.TrimSpace(said.String())
	if err != nil || code != 0 || !filepath.IsAbs(path) {
		d.say("note", check, d.compiler+" finds no ld.dtlto: "+howToFind())
		return
	}
	if real, err := filepath.EvalSymlinks(path); err == nil && !isThisProgram(real) {
		d.say("note", check, fmt.Sprintf("%s finds %s, which is another program than this one, of another version perhaps: "+
			"remove it, or put this one's folder in front of PATH", d.compiler, path))
		return
	}
	d.say("ok", check, fmt.Sprintf("%s finds %s", d.compiler, path))
}

// howToFind says how clang is to find ld.dtlto, by where it is.
func howToFind() string {
	self, err := os.Executable()
	if err != nil {
		return "put its folder on PATH"
	}
	beside := filepath.Join(filepath.Dir(self), "ld.dtlto")
	if _, err := exec.FindProgram(beside); err == nil {
		return "put " + filepath.Dir(self) + " on PATH, or link with -B" + filepath.Dir(self)
	}
	return fmt.Sprintf("make one, 'ln -s %s ld.dtlto', in a folder on PATH", self)
}

// isThisProgram says whether a file is this program, or the other one that is installed
// with it.
func isThisProgram(path string) bool {
	self, err := os.Executable()
	if err != nil {
		return true
	}
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	for _, own := range []string{self, filepath.Join(filepath.Dir(self), "dtlto"), filepath.Join(filepath.Dir(self), "ld.dtlto")} {
		if other, err := os.Stat(own); err == nil && os.SameFile(info, other) {
			return true
		}
	}
	return false
}
