// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package measure

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Bench is a folder with the programs that are measured, which is on PATH and has
// the cache folder of everything that is started. Close removes it.
type Bench struct{ Folder string }

// Open makes a bench with dtlto, as itself and as ld.dtlto, and the programs of
// the packages, given as "./bench/naive".
func Open(ctx context.Context, packages ...string) (*Bench, error) {
	folder, err := os.MkdirTemp("", "dtlto-bench-")
	if err != nil {
		return nil, err
	}
	b := &Bench{folder}
	if err := b.fill(ctx, packages); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// Close removes the folder and all that was put into it.
func (b *Bench) Close() { _ = os.RemoveAll(b.Folder) }

// In is a path in the folder.
func (b *Bench) In(names ...string) string {
	return filepath.Join(append([]string{b.Folder}, names...)...)
}

func (b *Bench) fill(ctx context.Context, packages []string) error {
	bin := b.In("bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-o", bin, "./cmd/dtlto"}, packages...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build does
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	if err := os.Symlink("dtlto", filepath.Join(bin, "ld.dtlto")); err != nil {
		return err
	}
	if err := os.Setenv("PATH", bin+":"+os.Getenv("PATH")); err != nil {
		return err
	}
	return os.Setenv("XDG_CACHE_HOME", b.In("cache"))
}

// Program is the path of a program that was built.
func (b *Bench) Program(name string) string { return b.In("bin", name) }

// LinkerCommand is the linker's command line, program first, that a Clang driver
// would run for its own arguments.
func LinkerCommand(ctx context.Context, driver string, args ...string) ([]string, error) {
	out, err := exec.CommandContext(ctx, driver, append([]string{"-###"}, args...)...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s -###: %w\n%s", driver, err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var argv []string
	for word := range strings.FieldsSeq(lines[len(lines)-1]) {
		// The words are quoted; none of these has a space or a quote in it.
		argv = append(argv, strings.Trim(word, `"`))
	}
	return argv, nil
}
