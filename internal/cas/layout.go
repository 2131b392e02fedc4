// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The folder holds
//
//	README, CACHEDIR.TAG
//	v1/00 … v1/ff       entries, by the first byte of their hash
//	v1/00/HASH.b        a blob
//	v1/00/HASH.r        the result of an action
//	v1/tmp              what is being written
//	v1/links            a locked file for each running link
//	v1/locks            a locked file for each action being computed
//	v1/ledger           how large the store is
//
// A change that older programs would misread goes to v2. The 256 folders are
// made as they are needed: all at once takes 2.9 ms and each at its time the
// same in sum, but a warm link then looks at none of them for nothing (0.2 ms).
const (
	layoutVersion = "v1"
	tmpFolder     = "tmp"
	linksFolder   = "links"
	locksFolder   = "locks"
	ledgerFile    = "ledger"
)

// kind is the last letter of an entry's name.
type kind byte

const (
	blobKind   kind = 'b'
	resultKind kind = 'r'
)

const readme = `This folder is a cache of dtlto: native objects that backend compiles of
ThinLTO links have made, kept to save compiling them again.

It may be deleted at any time, as a whole or in part, while links run too.
"dtlto cache stat" says what is in it, "dtlto cache clear" empties it.
`

// cacheTag makes backup programs leave the folder out:
// https://bford.info/cachedir/
const cacheTag = `Signature: 8a477f597d28d172789f06886806bc55
# This folder is a cache of dtlto.
`

// in is the path of a file of the store's own.
func (d *Disk) in(names ...string) string {
	return filepath.Join(append([]string{d.folder, layoutVersion}, names...)...)
}

// entryPath is on the hot path: one allocation.
func (d *Disk) entryPath(hash [32]byte, k kind) string {
	var room [512]byte
	b := append(room[:0], d.folder...)
	b = append(b, filepath.Separator)
	b = append(b, layoutVersion...)
	b = append(b, filepath.Separator)
	b = hex.AppendEncode(b, hash[:1])
	b = append(b, filepath.Separator)
	b = hex.AppendEncode(b, hash[:])
	return string(append(b, '.', byte(k)))
}

// parseEntry reads the name of an entry's file.
func parseEntry(name string) (hash [32]byte, k kind, ok bool) {
	text, ending, _ := strings.Cut(name, ".")
	if len(text) != 2*len(hash) || len(ending) != 1 || text != strings.ToLower(text) {
		return hash, 0, false
	}
	_, err := hex.Decode(hash[:], []byte(text))
	k = kind(ending[0])
	return hash, k, err == nil && (k == blobKind || k == resultKind)
}

// makeLayout makes the folders that everyone needs, and says what they are.
func (d *Disk) makeLayout() error {
	for _, name := range []string{tmpFolder, linksFolder, locksFolder} {
		if err := os.MkdirAll(d.in(name), 0o777); err != nil {
			return err
		}
	}
	writeOnce(filepath.Join(d.folder, "README"), readme)
	writeOnce(filepath.Join(d.folder, "CACHEDIR.TAG"), cacheTag)
	return nil
}

// writeOnce is a courtesy and may fail.
func writeOnce(path, text string) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err == nil {
		_, _ = f.WriteString(text)
		_ = f.Close()
	}
}

// withLayout calls f, and again with the folders made if they were missing: on
// first use, or because somebody removed them meanwhile.
func (d *Disk) withLayout(f func() error) (err error) {
	for range 3 {
		if err = f(); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := d.makeLayout(); err != nil && !isGone(err) {
			return err
		}
	}
	return err
}

// isGone tells an error that comes of others removing files and folders at the
// same time: what was there is not, and what was to be made is, for a moment.
func isGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist)
}
