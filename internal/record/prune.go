// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/filestat"
)

// Saved is a record in a folder.
type Saved struct {
	Output string
	When   time.Time // it was saved
	Bytes  int64     // with the one before
}

// List gives the records in a folder, the newest first. It reads no more of
// them than the output's name; what is not a record it passes over.
func List(folder string) ([]Saved, error) {
	files, err := recordFiles(folder)
	var list []Saved
	for _, f := range files {
		if output, ok := outputOf(filepath.Join(folder, f.name)); ok && nameOf(output, ending) == f.name {
			list = append(list, Saved{output, f.when, f.bytes})
		}
	}
	slices.SortStableFunc(list, func(a, b Saved) int {
		return cmp.Or(b.When.Compare(a.When), strings.Compare(a.Output, b.Output))
	})
	return list, err
}

// outputOf reads the head of a record.
func outputOf(path string) (string, bool) {
	f, err := filestat.Open(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	head := make([]byte, 16<<10) // paths of more than 4 KiB cannot be opened
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", false
	}
	rest, ok := strings.CutPrefix(string(head[:n]), magic+version)
	length, used := binary.Uvarint([]byte(rest[:min(len(rest), binary.MaxVarintLen64)]))
	if !ok || used <= 0 || length > uint64(len(rest)-used) {
		return "", false
	}
	return rest[used : used+int(length)], true
}

// Prune removes the records that were not renewed since a time, and what killed
// links left.
func Prune(folder string, unusedSince time.Time) error {
	return prune(folder, unusedSince, maxRecords, maxBytes)
}

// Clear removes all records. What is not dtlto's own it leaves, and the folder
// with it.
func Clear(folder string) error {
	err := errors.Join(prune(folder, time.Time{}, 0, 0), removeAside(folder, time.Time{}))
	_ = os.Remove(folder)
	return err
}

// prune removes what was not renewed since and then the oldest of more than so
// many records or bytes. The record before another goes with it.
func prune(folder string, since time.Time, records int, bytes int64) error {
	files, err := recordFiles(folder)
	slices.SortFunc(files, func(a, b recordFile) int { return b.when.Compare(a.when) })
	for i, f := range files {
		bytes -= f.bytes
		if f.when.Before(since) || i >= records || bytes < 0 {
			err = errors.Join(err, remove(folder, f.name))
		}
	}
	err = errors.Join(err, removeBefore(folder))
	return errors.Join(err, removeAside(folder, time.Now().Add(-abandoned)))
}

// removeBefore removes records that are before none.
func removeBefore(folder string) error {
	files, err := list(folder, hasEnding(endingBefore))
	for _, f := range files {
		record := strings.TrimSuffix(f.name, endingBefore) + ending
		if _, gone := os.Lstat(filepath.Join(folder, record)); errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, remove(folder, f.name))
		}
	}
	return err
}

func remove(folder, name string) error {
	if err := os.Remove(filepath.Join(folder, name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil // another did it
}

type recordFile struct {
	name  string
	when  time.Time
	bytes int64
}

// recordFiles are the files with names of records, with the bytes of those before
// them; none if there is no folder.
func recordFiles(folder string) ([]recordFile, error) {
	files, err := list(folder, hasEnding(ending))
	for i := range files {
		before := filepath.Join(folder, beforeOf(files[i].name))
		if info, err := os.Lstat(before); err == nil && info.Mode().IsRegular() {
			files[i].bytes += info.Size()
		}
	}
	return files, err
}

func hasEnding(ending string) func(name string) bool {
	return func(name string) bool { return isRecord(name, ending) }
}

func list(folder string, want func(name string) bool) ([]recordFile, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var files []recordFile
	for _, e := range entries {
		if !want(e.Name()) {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, recordFile{e.Name(), info.ModTime(), info.Size()})
		}
	}
	return files, err
}

// removeAside removes files that were being written, if they were not written
// to since a time; a zero time removes all.
func removeAside(folder string, since time.Time) error {
	files, err := list(folder, func(name string) bool { return strings.HasPrefix(name, aside) })
	for _, f := range files {
		if since.IsZero() || f.when.Before(since) {
			err = errors.Join(err, remove(folder, f.name))
		}
	}
	return err
}
