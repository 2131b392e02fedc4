// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package toolchain

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/filestat"
)

// Identity stands for everything of a compiler that decides what objects it
// makes: the digest of the program and of each library that the loader loads
// with it. Two compilers of the same identity make the same objects; an
// upgraded one has another identity.
type Identity struct {
	Digest string // in hexadecimal
	parts  string
}

// Identify gives a compiler's identity. The loader is asked each time which
// libraries it loads, for another may lie on its way by now; their digests are
// remembered by file stat.
//
// A compiler that is no ELF program (a wrapper script) has no identity, since what
// it runs cannot be told: that is an error, and its results must not be kept.
func Identify(compiler string) (Identity, error) {
	if err := checkLoaderVariables(); err != nil {
		return Identity{}, err
	}
	real, err := filepath.EvalSymlinks(compiler)
	if err != nil {
		return Identity{}, err
	}
	files, err := loadedWith(real)
	if err != nil {
		return Identity{}, err
	}
	at := clock() // before anything is read
	memory := memoryFile("identity", real, at)
	if parts, ok := recall(memory); ok && slices.Equal(pathsOf(parts), files) {
		if digest, settled, ok := sameParts(parts, at); ok && settled {
			return Identity{digest, parts}, nil
		}
	}
	parts, err := partsOf(files)
	if err != nil {
		return Identity{}, err
	}
	digest, settled, ok := sameParts(parts, at)
	if !ok {
		return Identity{}, fmt.Errorf("%s: changes while it is being read", compiler)
	}
	if settled {
		keep(memory, parts)
	}
	return Identity{digest, parts}, nil
}

// Current says whether the compiler and its libraries are still the files that
// were identified. It is asked before a result is kept: a compiler that was
// upgraded during the link must not have its objects kept as the old one's.
func (i Identity) Current() bool {
	digest, _, ok := sameParts(i.parts, clock())
	return ok && digest == i.Digest
}

// checkLoaderVariables refuses what makes the loader find other libraries in
// another folder: a compiler does not run where it is asked for its libraries.
func checkLoaderVariables() error {
	for _, name := range []string{"LD_LIBRARY_PATH", "LD_PRELOAD"} {
		value := os.Getenv(name)
		for _, path := range strings.FieldsFunc(value, func(r rune) bool { return r == ':' || r == ';' || r == ' ' }) {
			if !filepath.IsAbs(path) && (name == "LD_LIBRARY_PATH" || strings.Contains(path, "/")) {
				return fmt.Errorf("%s=%s: has a path that depends on the working folder", name, value)
			}
		}
		if name == "LD_LIBRARY_PATH" && (strings.HasPrefix(value, ":") || strings.HasSuffix(value, ":") || strings.Contains(value, "::")) {
			return fmt.Errorf("%s=%s: has an empty path, which is the working folder", name, value)
		}
	}
	return nil
}

// partsOf lists the files of a compiler, one a line: digest, stat, path. A few
// libraries are nearly all of it, so all are read at once.
func partsOf(files []string) (string, error) {
	parts := make([]string, len(files))
	var group errgroup.Group
	for i, file := range files {
		group.Go(func() error {
			stat, err := filestat.Of(file) // before reading: a change in between is noticed by sameParts
			if err != nil {
				return err
			}
			digest, err := cas.DigestOfFile(file)
			parts[i] = fmt.Sprintf("%x\t%s\t%s\n", digest.Hash, stat, file)
			return err
		})
	}
	err := group.Wait()
	return strings.Join(parts, ""), err
}

// pathsOf are the files in what partsOf made.
func pathsOf(parts string) (paths []string) {
	for line := range strings.Lines(parts) {
		if fields := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3); len(fields) == 3 {
			paths = append(paths, fields[2])
		}
	}
	return paths
}

// sameParts says whether the files are those that were digested, and gives
// the identity that they make: names and digests, without folders, so that it
// is the same on machines that keep them elsewhere. It is settled if none of them
// can have changed since a time without its stat showing it.
func sameParts(parts string, at time.Time) (identity string, settled, ok bool) {
	sum := sha256.New()
	settled = true
	for line := range strings.Lines(parts) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
		if len(fields) != 3 {
			return "", false, false
		}
		stat, err := filestat.Of(fields[2])
		if err != nil || stat.String() != fields[1] {
			return "", false, false
		}
		settled = settled && stat.Settled(at)
		fmt.Fprintf(sum, "%s %q\n", fields[0], filepath.Base(fields[2]))
	}
	return hex.EncodeToString(sum.Sum(nil)), settled, true
}

// loadedWith lists a program and the libraries that its loader would load,
// the loader among them. The loader itself is asked: it alone knows its search.
func loadedWith(program string) ([]string, error) {
	loader, err := interpreter(program)
	if err != nil {
		return nil, err
	}
	files := []string{program}
	if loader == "" {
		return files, nil // static
	}
	list, err := ask(loader, "--list", program)
	if err != nil {
		return nil, err
	}
	for line := range strings.SplitSeq(list, "\n") {
		if strings.Contains(line, "not found") {
			return nil, fmt.Errorf("%s: a library is missing: %s", program, strings.TrimSpace(line))
		}
		if path := listedPath(line); path != "" {
			files = append(files, path)
		}
	}
	if len(files) == 1 {
		return nil, fmt.Errorf("%s: %s --list names no library", program, loader)
	}
	return files, nil
}

// listedPath is the file in a line of the loader's list: "name => /path (0x…)"
// or, for the loader, "/path (0x…)". The kernel's vdso has none.
func listedPath(line string) string {
	line = strings.TrimSpace(line)
	if _, after, ok := strings.Cut(line, " => "); ok {
		line = after
	}
	path, _, _ := strings.Cut(line, " (0x")
	if !strings.HasPrefix(path, "/") {
		return ""
	}
	return path
}

// interpreter is the loader that an ELF program asks for, empty if static.
func interpreter(program string) (string, error) {
	f, err := elf.Open(program)
	var format *elf.FormatError
	if errors.As(err, &format) {
		return "", fmt.Errorf("%s: not an ELF program, so what it runs cannot be told", program)
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	for _, segment := range f.Progs {
		if segment.Type == elf.PT_INTERP {
			path, err := io.ReadAll(io.LimitReader(segment.Open(), 4096))
			return strings.TrimRight(string(path), "\x00"), err
		}
	}
	return "", nil
}
