// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/filestat"
)

// The folder, which nobody else should use, holds for each output the records of
// its last link and of the one before, named by a hash of the output's path, and
// files that are being written.
const (
	ending       = ".link"
	endingBefore = ".before"
	aside        = ".dtlto-"
)

// What is kept of all records when they are tidied, which is when an output gets
// its first or has an old one.
const (
	tidyInterval = 24 * time.Hour
	maxAge       = 30 * tidyInterval
	maxRecords   = 1000
	maxBytes     = 1 << 30
)

// abandoned is how old a file aside is that nobody is writing any more.
const abandoned = time.Hour

// Load gives what is remembered of the last link of an output, an absolute
// path. It is nil if there is nothing, or only by another version of dtlto. A
// damaged record is an error that names its file, and a link goes on without.
func Load(folder, output string) (*Link, error) {
	l, err := load(folder, output, ending)
	if err != nil {
		return nil, fmt.Errorf("record of the last link: %w", err)
	}
	return l, nil
}

// LoadBefore is Load for the link before the last. While one is saved, it may
// give the one that Load gives: they have the same start then.
func LoadBefore(folder, output string) (*Link, error) {
	l, err := load(folder, output, endingBefore)
	if err != nil {
		return nil, fmt.Errorf("record of the link before: %w", err)
	}
	return l, nil
}

func load(folder, output, ending string) (*Link, error) {
	path, err := pathOf(folder, output, ending)
	if err != nil {
		return nil, err
	}
	b, err := readRecord(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l, err := decode(b)
	if errors.Is(err, errVersion) {
		return nil, nil
	}
	if err == nil && l.Output != filepath.Clean(output) {
		err = fmt.Errorf("of another output: %q", l.Output)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

func pathOf(folder, output, ending string) (string, error) {
	if !filepath.IsAbs(output) {
		return "", fmt.Errorf("%q is not an absolute path", output)
	}
	return filepath.Join(folder, nameOf(filepath.Clean(output), ending)), nil
}

func nameOf(output, ending string) string {
	hash := sha256.Sum256([]byte(output))
	return hex.EncodeToString(hash[:16]) + ending
}

// isRecord says whether a file in the folder has the name of a record with an
// ending. Others are left alone.
func isRecord(name, ending string) bool {
	hash, ok := strings.CutSuffix(name, ending)
	_, err := hex.DecodeString(hash)
	return ok && err == nil && len(hash) == 32
}

func readRecord(path string) ([]byte, error) {
	f, err := filestat.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	stat, err := filestat.OfOpen(f)
	if err != nil {
		return nil, err
	}
	if stat.Size > maxSize {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("%d bytes, more than %d", stat.Size, maxSize)}
	}
	b := make([]byte, stat.Size)
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return b, nil
}

// Save keeps l as the last link of its output, whole or not at all, and what was
// that as the one before. Of two that are saved at once one is kept, or both.
// With the first record of an output, and the first for a day, those that were
// not renewed for 30 days are removed, and the oldest of too many.
//
// Nothing is synced to the disk: after a power failure the record may be
// damaged, which Load tells.
func (l *Link) Save(folder string) error {
	if err := l.save(folder); err != nil {
		return fmt.Errorf("keeping the record of this link: %w", err)
	}
	return nil
}

func (l *Link) save(folder string) error {
	path, err := pathOf(folder, l.Output, ending)
	if err != nil {
		return err
	}
	clean := *l
	clean.Output = filepath.Clean(l.Output)
	b, err := encode(&clean)
	if err != nil {
		return err
	}
	info, err := os.Lstat(path)
	first := err != nil || time.Since(info.ModTime()) > tidyInterval
	if err := write(folder, path, b); err != nil {
		return err
	}
	if first {
		// That is tidying, and the record is kept whatever comes of it.
		_ = prune(folder, time.Now().Add(-maxAge), maxRecords, maxBytes)
	}
	return nil
}

// write gives the bytes their name when they are all there.
func write(folder, path string, b []byte) error {
	f, err := createAside(folder)
	for range 3 {
		if !errors.Is(err, fs.ErrNotExist) {
			break // else it is the first record, or the folder was removed just now
		}
		if err = os.MkdirAll(folder, 0o777); err == nil {
			f, err = createAside(folder)
		}
	}
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		keepBefore(path, f.Name()+".before", os.Link)
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// keepBefore gives the record that is there, if there is one, its other name, by
// way of a spare name. Where a file can have two names, it keeps the first, so
// that there are records at any moment. Failing is no error: what is lost then
// is only for people to look at.
func keepBefore(path, spare string, link func(path, other string) error) {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return
	}
	if err := link(path, spare); err != nil {
		_ = os.Rename(path, beforeOf(path))
		return
	}
	_ = os.Rename(spare, beforeOf(path))
	_ = os.Remove(spare) // left if both names are of one file: another link was killed here
}

// beforeOf is the path or the name of the record before another.
func beforeOf(name string) string { return strings.TrimSuffix(name, ending) + endingBefore }

// createAside makes a file with the permissions that the user's umask leaves,
// unlike [os.CreateTemp].
func createAside(folder string) (*os.File, error) {
	for {
		path := filepath.Join(folder, fmt.Sprintf("%s%016x", aside, rand.Uint64()))
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}
