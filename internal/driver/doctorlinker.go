// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/dtlto/dtlto/internal/exec"
)

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
