// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// maxFile is more than any file of settings needs.
const maxFile = 64 << 10

// configFile is a file of settings.
type configFile struct {
	path string
	from source
}

// configFiles are the user's file and the one that is named, if any. No file is looked
// for in or above the working folder: links run in folders that others wrote, and a
// setting can name a program to run or a machine to send everything to.
func configFiles(given []Given, getenv func(string) string) (files []configFile) {
	if folder := configFolder(getenv); folder != "" {
		files = append(files, configFile{filepath.Join(folder, "dtlto", "config.toml"), userFile})
	}
	named := getenv("DTLTO_CONFIG")
	for _, g := range given {
		if g.Name == "config" {
			named = g.Value
		}
	}
	if named != "" {
		files = append(files, configFile{named, namedFile})
	}
	return files
}

// configFolder is where the user's programs have their settings.
func configFolder(getenv func(string) string) string {
	if folder := getenv("XDG_CONFIG_HOME"); filepath.IsAbs(folder) {
		return folder
	}
	if runtime.GOOS == "windows" {
		return getenv("AppData")
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".config")
	}
	return ""
}

// loadFile sets what a file says, and returns the first thing that is wrong with it.
// There need not be one of the user's.
func (s *Settings) loadFile(f configFile, getenv func(string) string) error {
	text, err := readSmall(f.path)
	if f.from == userFile && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) {
		s.files = append(s.files, f.path+" (not there)")
		return nil
	}
	s.files = append(s.files, f.path)
	if err != nil {
		return &Error{fmt.Errorf("%s: the settings cannot be read: %w", f.path, withoutPath(err))}
	}
	entries, err := parseFile(text)
	if err != nil {
		return f.wrong(err)
	}
	var given []Given
	for _, e := range entries {
		values, wrong := f.valuesOf(e, getenv)
		if wrong != nil {
			err = firstOf(err, f.wrong(wrong))
			continue
		}
		for _, v := range values {
			given = append(given, Given{fmt.Sprintf("%s:%d", f.path, e.at.line), e.key, v})
		}
	}
	return firstOf(err, s.apply(f.from, given))
}

// wrong says what is wrong with the file, and where.
func (f configFile) wrong(err error) error {
	var located *locatedError
	if errors.As(err, &located) {
		return &Error{fmt.Errorf("%s:%d:%d: %w", f.path, located.at.line, located.at.column, located.err)}
	}
	return &Error{fmt.Errorf("%s: %w", f.path, err)}
}

// valuesOf are the values of an entry, complete and checked.
func (f configFile) valuesOf(e entry, getenv func(string) string) ([]string, error) {
	setting := find(e.key)
	switch {
	case setting == nil:
		return nil, e.wrong(fmt.Errorf("unknown setting%s", nearest(e.key, "", false)))
	case setting.Name == "config":
		return nil, e.wrong(errors.New("a file of settings cannot name another"))
	}
	values, err := setting.texts(e.value)
	for i := range values {
		if err == nil {
			values[i], err = expand(values[i], getenv)
		}
		if err == nil {
			values[i] = f.relative(setting, values[i])
			err = setting.check(values[i])
		}
	}
	if err != nil {
		return nil, e.wrong(err)
	}
	return values, nil
}

// relative makes a file's name one that is meant beside the file of settings. A
// program's name without a slash is looked for on PATH.
func (f configFile) relative(setting *Setting, name string) string {
	if !setting.file || name == "" || filepath.IsAbs(name) ||
		setting.Name == "lld" && !strings.ContainsRune(filepath.ToSlash(name), '/') {
		return name
	}
	if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(filepath.ToSlash(name), "~/") {
		return filepath.Join(home, name[2:]) // as the shell would have read it
	}
	return filepath.Join(filepath.Dir(f.path), name)
}

// readSmall reads a file, but not a folder, nor more than a file of settings can have.
func readSmall(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("it has more than %d bytes", maxFile)
	}
	return text, err
}

func withoutPath(err error) error {
	var reason *fs.PathError
	if errors.As(err, &reason) {
		return reason.Err
	}
	return err
}
