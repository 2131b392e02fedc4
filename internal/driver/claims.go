// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"fmt"
	"path/filepath"
)

// claims are the places that files have, or are to have: each of one file only, by
// whatever name it is called.
type claims struct {
	owners  map[string]string // by key
	folders map[string]string // as they are spelled → as they are
}

// isRead is whose a place is from which something is read.
const isRead = ""

// newClaims claims the places of files that are read.
func newClaims(read []string) *claims {
	c := &claims{map[string]string{}, map[string]string{}}
	for _, file := range read {
		c.owners[c.key(file)] = isRead
		if real, err := filepath.EvalSymlinks(file); err == nil {
			c.owners[c.key(real)] = isRead
		}
	}
	return c
}

// claim takes a place for a file that is to be written for somebody. A link there would
// be replaced, not what it leads to.
func (c *claims) claim(file, who string) error {
	key := c.key(file)
	switch other, ok := c.owners[key]; {
	case ok && other == isRead:
		return fmt.Errorf("%s: is read in the link, and would be written for %s", file, who)
	case ok:
		return fmt.Errorf("%s: would be written for %s and for %s", file, other, who)
	}
	c.owners[key] = who
	return nil
}

// read takes a place for a file that is read, perhaps by several.
func (c *claims) read(file string) error {
	key := c.key(file)
	if other, ok := c.owners[key]; ok && other != isRead {
		return fmt.Errorf("%s: is read in the link, and would be written for %s", file, other)
	}
	c.owners[key] = isRead
	return nil
}

// key is the same for all names of a place, whose folder may not be there yet.
func (c *claims) key(file string) string {
	return filepath.Join(c.folder(filepath.Dir(file)), filepath.Base(file))
}

func (c *claims) folder(name string) string {
	real, ok := c.folders[name]
	if ok {
		return real
	}
	real, err := filepath.EvalSymlinks(name)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		if parent := filepath.Dir(name); parent != name {
			real = filepath.Join(c.folder(parent), filepath.Base(name))
		} else {
			real = name
		}
	}
	c.folders[name] = real
	return real
}
