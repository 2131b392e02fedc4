// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dtlto/dtlto/internal/record"
)

// cacheFacts are what is known of the cache.
type cacheFacts struct {
	Folder   string `json:"folder"`
	Off      bool   `json:"off"` // --no-cache
	Writable bool   `json:"writable"`
	Bytes    int64  `json:"bytes"`
	MaxBytes int64  `json:"max_bytes,omitzero"` // 0: no bound
	Results  int    `json:"results"`
	Blobs    int    `json:"blobs"`
	Links    int    `json:"links"`               // that are on record
	Free     int64  `json:"free_bytes,omitzero"` // of the file system; 0 where it does not say
	// HardLinks says that objects are handed out as hard links into the folder that doctor
	// runs in.
	HardLinks bool `json:"hard_links"`
}

// littleFree is how much free space is little: what a link of a large program keeps.
const littleFree = 1 << 30

func (d *doctor) cache() {
	facts := &cacheFacts{Off: d.settings.NoCache}
	d.says.Cache = facts
	if facts.Off {
		d.say("note", "cache", "it is off (--no-cache): everything is compiled in every link")
		return
	}
	if !d.step("cache", func() (string, error) { return d.tryCache(facts) }) {
		return
	}
	if least := min(littleFree, facts.MaxBytes); facts.Free > 0 && facts.Free < least {
		d.say("note", "cache", fmt.Sprintf("only %s are free in the file system of %s: make room, "+
			"have a smaller cache (--cache-size=SIZE), or another folder (--cache-dir=DIR)", size(facts.Free), facts.Folder))
	}
	d.hardLinks(facts)
}

// tryCache writes into the cache, and counts what is in it.
func (d *doctor) tryCache(facts *cacheFacts) (string, error) {
	store, records, err := theCache(d.settings)
	if err != nil {
		return "", fmt.Errorf("%w: choose a folder with --cache-dir=DIR or DTLTO_CACHE_DIR", err)
	}
	defer store.Close()
	facts.Folder = filepath.Dir(records)
	if err := tryWriting(storeFolder(facts.Folder)); err != nil {
		return "", fmt.Errorf("%s cannot be written (%w): nothing that is compiled is kept; %s another folder with --cache-dir=DIR",
			facts.Folder, withoutPath(err), remedy(err))
	}
	facts.Writable = true
	stats, err := store.Stat(d.ctx)
	if err != nil {
		return "", err
	}
	facts.Bytes, facts.MaxBytes, facts.Results, facts.Blobs = stats.Bytes, stats.MaxBytes, stats.Results, stats.Blobs
	if links, err := record.List(records); err == nil {
		facts.Links = len(links)
	}
	facts.Free = freeSpace(facts.Folder)
	return facts.words(), nil
}

func (c *cacheFacts) words() string {
	words := fmt.Sprintf("%s can be written, %s in %d results", c.Folder, size(c.Bytes), c.Results)
	if c.MaxBytes > 0 {
		words += ", at most " + size(c.MaxBytes)
	}
	if c.Free > 0 {
		words += ", " + size(c.Free) + " free"
	}
	return words
}

// remedy is what may be done about a folder that cannot be written, up to the choice of
// another one.
func remedy(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "make room in its file system, or choose"
	case errors.Is(err, syscall.EDQUOT):
		return "remove files of yours in its file system, or choose"
	case errors.Is(err, fs.ErrPermission):
		return "make it yours, or choose"
	}
	return "choose" // a read-only file system has no other remedy
}

// tryWriting makes a file in a folder, as a link would, and removes it.
func tryWriting(folder string) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, ".dtlto-doctor-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString("dtlto")
	err = errors.Join(err, f.Close())
	return errors.Join(err, os.Remove(f.Name()))
}

// hardLinks finds out whether a link that is made here gets its objects as hard links.
func (d *doctor) hardLinks(facts *cacheFacts) {
	if d.settings.Copy {
		d.say("none", "hard links", "cached objects are copied, not hard-linked (--copy)")
		return
	}
	here, err := os.Getwd()
	if err != nil {
		return
	}
	err = tryLink(storeFolder(facts.Folder), here)
	if failed, ok := errors.AsType[*os.LinkError](err); ok {
		err = failed.Err
	}
	switch facts.HardLinks = err == nil; {
	case err == nil:
		d.say("ok", "hard links", "objects need no copying from the cache to links in "+here)
	case errors.Is(err, os.ErrPermission):
		d.say("none", "hard links", "whether objects need copying from the cache cannot be told: "+here+" cannot be written")
	default:
		d.say("note", "hard links", fmt.Sprintf("objects are copied from the cache to links in %s (%v): "+
			"--cache-dir=DIR may choose a folder on the same file system", here, withoutPath(err)))
	}
}

// tryLink links a file of one folder into another for a moment.
func tryLink(from, to string) error {
	f, err := os.CreateTemp(from, ".dtlto-doctor-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	defer f.Close()
	path := filepath.Join(to, filepath.Base(f.Name()))
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	return os.Remove(path)
}
