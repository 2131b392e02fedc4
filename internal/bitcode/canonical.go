// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
	"errors"
)

// A Form says how far a shard could be freed of what belongs to the link.
type Form uint8

// The forms.
const (
	// Canonical: the shard depends on the names given to its modules, on GUIDs and
	// on what the summaries say, and on nothing else.
	Canonical Form = iota + 1
	// Renamed: the modules have their new names; all else is as the linker wrote
	// it, ids and order included.
	Renamed
)

func (f Form) String() string {
	return [...]string{"none", "canonical", "renamed"}[f]
}

// A Shard is a summary index shard with its modules renamed.
type Shard struct {
	Data   []byte
	Form   Form
	Reason string // what was not understood and where, if Form is Renamed
}

// Options are what a shard does not say itself.
type Options struct {
	// KeepBlockCount keeps the number of basic blocks of the whole link, which
	// LLVM 13 to 18 write into every shard. The backend uses it only if the module,
	// or one that it imports from, has a partial sample profile: see
	// [Properties.PartialProfile]. Without it, no edit elsewhere in the link changes
	// the shard. From LLVM 19 on it is written only where it is used, and always
	// kept.
	KeepBlockCount bool
}

// Canonicalise gives the modules of the shard new names and returns the shard in
// its canonical form: modules, values and stack ids numbered and records ordered
// by the new names, by GUIDs and by value alone, not by the linker's tables.
//
// Give rename each path that Modules lists; a path for which it has no name is an
// error, as is one name for two paths. LLVM imports in the bytewise order of
// module paths: the new names must sort as the old ones did in the linker's eyes,
// or the backend may make another object. What was canonicalised before, with
// names that stay as they are, comes out unchanged.
//
// A shard with something in it that is not understood, such as a record of a
// newer LLVM, comes out Renamed.
func (x *Index) Canonicalise(rename func(path string) (name string, ok bool), opt Options) (Shard, error) {
	data, err := x.canonical(rename, opt)
	var u *unknown
	switch {
	case err == nil:
		return Shard{Data: data, Form: Canonical}, nil
	case !errors.As(err, &u):
		return Shard{}, err
	}
	if data, err = renamed(x.shard, rename); err != nil {
		return Shard{}, err
	}
	return Shard{Data: data, Form: Renamed, Reason: u.Error()}, nil
}

// Canonicalise brings a summary index shard into its canonical form, as
// [Index.Canonicalise] does.
func Canonicalise(shard []byte, rename func(path string) (name string, ok bool), opt Options) (Shard, error) {
	x := indexes.Get().(*Index)
	defer indexes.Put(x)
	if err := x.Read(shard); err != nil {
		return Shard{}, err
	}
	return x.Canonicalise(rename, opt)
}

func (x *Index) canonical(rename func(path string) (name string, ok bool), opt Options) ([]byte, error) {
	if err := x.settle(rename); err != nil {
		return nil, err
	}
	if x.version < blockCountVersion && !opt.KeepBlockCount {
		x.heads[summaryBlockCount] = 0
	}
	return bytes.Clone(x.write()), nil
}

// settle brings everything into its order and gives it its new numbers.
func (x *Index) settle(rename func(path string) (name string, ok bool)) error {
	if x.spent { // it holds what was written the last time
		_ = x.Read(x.shard) // an error is its trouble
	}
	if x.trouble != nil {
		return x.trouble
	}
	if x.known == nil {
		return errors.New("summary index that was not read")
	}
	x.spent = true
	if err := x.number(rename); err != nil {
		return err
	}
	if err := x.arrange(); err != nil {
		return err
	}
	return x.rewrite()
}
