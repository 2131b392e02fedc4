// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package toolchain finds the ld.lld and the clang that belong to a link, and
// what they can do. It asks a program once and remembers the answer by the
// program's file stat. It knows nothing of jobs.
package toolchain

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Hints are what a link tells of the LLVM it belongs to, in the order in
// which they count. Those that cost time are functions, called only when
// nothing before them decided. Zero values tell nothing.
type Hints struct {
	// Explicit is the ld.lld that the user named: a path, or a name to look up.
	Explicit string
	// Plugin is the path of an LLVMgold.so, which clang gives linkers that it
	// does not know: it lies in the lib folder beside clang's bin folder.
	Plugin string
	// Compiler is the clang that the command line names for the backends.
	Compiler string
	// Parent gives the path of the program that started the linker.
	Parent func() string
	// Major gives the LLVM major version that made the link's bitcode, 0 if unknown.
	Major func() int
}

// ErrNoLLD means that no ld.lld was found anywhere.
var ErrNoLLD = errors.New("no ld.lld found: install LLVM's lld, or name one with --dtlto-lld=PATH or DTLTO_LLD")

// FindLLD gives the path of the ld.lld that a link belongs to.
func FindLLD(h Hints) (string, error) {
	if h.Explicit != "" {
		path, err := exec.LookPath(h.Explicit)
		if err != nil {
			return "", fmt.Errorf("%s: chosen as ld.lld, but cannot be run: %w", h.Explicit, unwrapLookup(err))
		}
		if isSelf(path) {
			return "", fmt.Errorf("%s: chosen as ld.lld, but it is dtlto itself", h.Explicit)
		}
		return path, nil
	}
	if h.Plugin != "" {
		if lld := lldIn(filepath.Join(filepath.Dir(h.Plugin), "..", "bin")); lld != "" {
			return lld, nil
		}
	}
	if lld := besideClang(h.Compiler); lld != "" {
		return lld, nil
	}
	if h.Parent != nil {
		if lld := besideClang(h.Parent()); lld != "" {
			return lld, nil
		}
	}
	if h.Major != nil {
		if lld := ofMajor(h.Major()); lld != "" {
			return lld, nil
		}
	}
	return onPath()
}

// unwrapLookup strips what names the program, which the caller does.
func unwrapLookup(err error) error {
	var path *fs.PathError
	var e *exec.Error
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &e):
		return e.Err
	}
	return err
}

// lldIn is the ld.lld in a folder, or empty.
func lldIn(folder string) string {
	path := filepath.Join(folder, "ld.lld")
	if !executable(path) {
		return ""
	}
	return path
}

// besideClang is the ld.lld in the folder where clang really is. A program
// that is not called clang tells nothing: the folder of every shell has
// linkers in it.
func besideClang(clang string) string {
	if !strings.Contains(filepath.Base(clang), "clang") {
		return ""
	}
	path, err := exec.LookPath(clang)
	if err != nil {
		return ""
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	return lldIn(filepath.Dir(real))
}

// ofMajor finds the ld.lld of an LLVM release by the names that
// distributions give it.
func ofMajor(major int) string {
	if major <= 0 {
		return ""
	}
	n := strconv.Itoa(major)
	if path, err := exec.LookPath("ld.lld-" + n); err == nil && executable(path) {
		return path
	}
	for _, folder := range []string{"/usr/lib/llvm-" + n, "/usr/lib/llvm" + n, "/usr/lib64/llvm" + n} {
		if lld := lldIn(filepath.Join(folder, "bin")); lld != "" {
			return lld
		}
	}
	return ""
}

// onPath is ld.lld on PATH, else the newest ld.lld-N there.
func onPath() (string, error) {
	if path, err := exec.LookPath("ld.lld"); err == nil && executable(path) {
		return path, nil
	}
	best, newest := "", 0
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		matches, _ := filepath.Glob(filepath.Join(folder, "ld.lld-*"))
		for _, path := range matches {
			major, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(path), "ld.lld-"))
			if err == nil && major > newest && executable(path) {
				best, newest = path, major
			}
		}
	}
	if best == "" {
		return "", ErrNoLLD
	}
	return best, nil
}

// FindClang gives the clang that belongs to an ld.lld: one of the same version
// in the same folder or on PATH. Backends compiled by another version than the
// thin link's would be wrong.
func FindClang(lld string) (string, error) {
	real, err := filepath.EvalSymlinks(lld)
	if err != nil {
		return "", err
	}
	version, err := LLDVersion(lld)
	if err != nil {
		return "", err
	}
	for _, name := range []string{filepath.Join(filepath.Dir(real), "clang"), "clang-" + strconv.Itoa(version.Major), "clang"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if v, err := ClangVersion(path); err == nil && v == version {
			return path, nil
		}
	}
	return "", fmt.Errorf("no clang %s beside %s or on PATH", version, lld)
}

// executable says whether path can be run and is not this program: a user may
// have called it ld.lld.
func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 && !isSelf(path)
}

// isSelf says whether path is this program, under whatever name.
func isSelf(path string) bool {
	self, err := os.Executable()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	if err != nil {
		return false
	}
	// The two programs lie in one folder, and either may be the one that runs.
	folder := filepath.Dir(self)
	return slices.ContainsFunc([]string{self, filepath.Join(folder, "dtlto"), filepath.Join(folder, "dtlto-remote")}, func(own string) bool {
		a, err := os.Stat(own)
		return err == nil && os.SameFile(a, b)
	})
}
