// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"errors"
	"path"
	"strings"
)

// Places are where the files belong that a thin link makes for a build system, which
// runs the backends itself: what --thinlto-prefix-replace= says, OLD;NEW or
// OLD;INDEX;OBJECT. LLD before 17 knows the first form only.
type Places struct{ old, index, object string }

var errNoPlaces = errors.New("--thinlto-index= needs --thinlto-prefix-replace=OLD;NEW, or =OLD;INDEX;OBJECT: " +
	"it says where index files and objects belong")

// Places reads the option. Without one an object would have the place of its module.
func (c *Command) Places() (*Places, error) {
	value, _ := c.Last("thinlto-prefix-replace")
	parts := strings.Split(value, ";")
	switch {
	case value == "":
		return nil, errNoPlaces
	case len(parts) == 2:
		return &Places{parts[0], parts[1], parts[1]}, nil
	case len(parts) == 3:
		return &Places{parts[0], parts[1], parts[2]}, nil
	}
	return nil, &Untranslatable{"--thinlto-prefix-replace=" + value, "is neither OLD;NEW nor OLD;INDEX;OBJECT"}
}

// Index is where what belongs to a file is put, but for its ending.
func (p *Places) Index(file string) (string, error) { return p.replace(file, p.index) }

// Object is the same for objects.
func (p *Places) Object(file string) (string, error) { return p.replace(file, p.object) }

// replace replaces the prefix as LLD does, which compares and joins no more than
// strings.
func (p *Places) replace(file, prefix string) (string, error) {
	rest, ok := strings.CutPrefix(file, p.old)
	place := path.Clean(prefix + rest)
	switch {
	case !ok:
		return "", &Inexact{file, "does not begin with " + p.old + ", which --thinlto-prefix-replace= is to replace"}
	case strings.HasPrefix(place, "-") || strings.HasPrefix(place, "@"):
		return "", &Inexact{file, "would have files called as options are: " + place}
	case !isWithin(place, prefix, strings.HasSuffix(prefix, "/") || strings.HasPrefix(rest, "/")):
		return "", &Inexact{file, "would have files outside of " + prefix + ", where --thinlto-prefix-replace= puts them"}
	}
	return place, nil
}

// isWithin says whether a clean path has not left, by "..", the prefix that it was made
// with, which is a folder or only the beginning of names.
func isWithin(place, prefix string, folder bool) bool {
	prefix = path.Clean(prefix)
	if prefix == "." {
		return Climbs(place) == 0
	}
	rest, ok := strings.CutPrefix(place, prefix)
	return ok && (!folder || prefix == "/" || strings.HasPrefix(rest, "/"))
}

// Suffixes are the ending of files with minimized bitcode and that of the files with
// the whole of it, if --thinlto-object-suffix-replace= gives any.
func (c *Command) Suffixes() (minimized, whole string, ok bool) {
	value, ok := c.Last("thinlto-object-suffix-replace")
	minimized, whole, cut := strings.Cut(value, ";")
	return minimized, whole, ok && cut && minimized != ""
}

// whole is a file's name in index files, which is that of the whole of its bitcode.
func (c *Command) whole(file string) (name string, replaced bool) {
	minimized, whole, ok := c.Suffixes()
	stem, ends := strings.CutSuffix(file, minimized)
	if !ok || !ends {
		return file, false
	}
	return stem + whole, true
}
