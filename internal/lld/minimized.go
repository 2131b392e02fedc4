// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"errors"
	"os"

	"github.com/dtlto/dtlto/internal/bitcode"
	"github.com/dtlto/dtlto/internal/object"
)

// findWhole makes of a module's minimized bitcode (clang -fthin-link-bitcode=), on which
// thin links are done, the whole of it, which is in another file. The two are of one
// compile if they have the same hash: an older or newer one would be another program.
func (l *Load) findWhole(loaded *Loaded) error {
	minimized, ending, ok := l.command.Suffixes()
	file, replaced := l.command.whole(loaded.File)
	switch {
	case loaded.Kind != Module:
		return nil
	case !ok && loaded.minimized:
		return &Inexact{loaded.Name(), "has minimized bitcode: --thinlto-object-suffix-replace= says where the whole is"}
	case !ok:
		return nil
	case !replaced:
		return &Inexact{loaded.Name(), "does not end in " + minimized + ", which --thinlto-object-suffix-replace= is to replace by " + ending}
	}
	whole := Loaded{Path: file, File: file}
	f, err := os.Open(file)
	if err != nil {
		return &Inexact{loaded.Name(), "is to stand for " + file + ", which cannot be opened: " + reason(err)}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	whole.Size = info.Size()
	if err := l.identify(f, &whole); err != nil {
		return err
	}
	if whole.Kind != Module || whole.minimized {
		return &Inexact{file, "is not the whole bitcode of a ThinLTO module, for which " + loaded.Name() + " is to stand"}
	}
	if whole.hash != loaded.hash {
		return &Inexact{loaded.Name(), "is not of the compile that made " + file + ": compile it again"}
	}
	loaded.File, loaded.Offset, loaded.Size = file, whole.Offset, whole.Size
	loaded.Triple, loaded.Split = whole.Triple, whole.Split
	return nil
}

// reason is an error without the path in front.
func reason(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// wholeOf is what is known of a module of which a file has minimized bitcode.
func (c *Command) wholeOf(file string, minimized bitcode.Identity) bitcode.Identity {
	name, ok := c.whole(file)
	if !ok || !minimized.Minimized() {
		return minimized
	}
	f, size, err := openFile(name)
	if err != nil {
		return minimized
	}
	defer f.Close()
	if kindOf(f) != object.Bitcode {
		return minimized
	}
	if id, err := bitcode.IdentifyAt(f, size); err == nil && id.ThinLTO() {
		return id
	}
	return minimized
}
