// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package stage

import (
	"os"
	"path/filepath"
	"strconv"
)

// Folder is the folder of one compile.
type Folder struct {
	// Path is absolute.
	Path string
}

// Folder makes the folder of the compile with a number of its own in the link.
func (s *Stage) Folder(number int) (*Folder, error) {
	parent, err := s.open()
	if err != nil {
		return nil, err
	}
	f := &Folder{filepath.Join(parent, strconv.Itoa(number))}
	return f, os.Mkdir(f.Path, 0o777)
}

// Place makes the file at path, absolute or relative to our working folder,
// appear as name: as a symbolic link, or where there are none as a hard link or
// a copy.
func (f *Folder) Place(name, path string) error {
	target, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	to := f.In(name)
	if os.Symlink(target, to) == nil || os.Link(target, to) == nil {
		return nil
	}
	return copyFile(target, to)
}

// PlaceCopy is Place with a copy: for who cannot follow a link to where the file is. A
// hard link would change the file's own times, and who knows it by them would read it
// again.
func (f *Folder) PlaceCopy(name, path string) error { return copyFile(path, f.In(name)) }

// Write makes a file.
func (f *Folder) Write(name string, data []byte) error {
	return os.WriteFile(f.In(name), data, 0o666)
}

// In is the path of a file in the folder.
func (f *Folder) In(name string) string { return filepath.Join(f.Path, name) }

// Remove removes the folder and all that is in it. What cannot be removed is left
// to [Stage.Remove], which says so.
func (f *Folder) Remove() { _ = os.RemoveAll(f.Path) }
