// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package toolchain

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dtlto/dtlto/internal/filestat"
)

// memoryFormat changes when what is kept, or how it is asked for, changes.
const memoryFormat = "dtlto toolchain memory 2"

// rememberIn is the folder that RememberIn chose.
var rememberIn atomic.Pointer[string]

// RememberIn chooses the folder to remember things in, instead of dtlto in the
// user's cache folder. Call it before anything else of this package.
func RememberIn(folder string) { rememberIn.Store(&folder) }

// Forget removes what was remembered in a folder.
func Forget(folder string) error { return os.RemoveAll(filepath.Join(folder, memoryFolder)) }

// memoryFolder is where in the folder things are remembered.
const memoryFolder = "toolchain"

// clock is the time; tests, whose programs are new, have a later one.
var clock = time.Now

// remembered is what ask returned for the program at path when it was the
// same file as now: same real path and stat.
// A script is always asked: what it runs may have changed.
// An answer that cannot be kept, or was damaged, costs asking again; only
// ask's own failure is an error. Failures are not kept.
func remembered(question, path string, ask func() (string, error)) (string, error) {
	file := memoryFile(question, path, clock())
	if answer, ok := recall(file); ok {
		return answer, nil
	}
	answer, err := ask()
	if err == nil {
		keep(file, answer)
	}
	return answer, err
}

// memoryFile is where the answer to a question about a program is kept, or
// empty when it cannot be: no cache folder, no such program, or one that may change
// without its stat showing it.
func memoryFile(question, path string, at time.Time) string {
	folder := memoryIn()
	real, err := filepath.EvalSymlinks(path)
	if err != nil || folder == "" {
		return ""
	}
	stat, err := filestat.Of(real)
	if err != nil || !stat.Settled(at) || IsScript(real) {
		return ""
	}
	key := fmt.Sprintf("%s\x00%s\x00%s\x00%s", memoryFormat, question, real, stat)
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(folder, hex.EncodeToString(sum[:16]))
}

// memoryIn is the folder of all answers, empty if there is none.
func memoryIn() string {
	if chosen := rememberIn.Load(); chosen != nil && *chosen != "" {
		return filepath.Join(*chosen, memoryFolder)
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(user, "dtlto", memoryFolder)
}

// IsScript says whether a program is a script, or cannot be read: what it runs
// cannot be told from its file.
func IsScript(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	var head [2]byte
	_, err = io.ReadFull(f, head[:])
	return err != nil || string(head[:]) == "#!"
}

// recall reads a kept answer: a line with the format and the digest of the
// rest, then the rest.
func recall(file string) (string, bool) {
	if file == "" {
		return "", false
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", false
	}
	head, answer, ok := strings.Cut(string(b), "\n")
	return answer, ok && head == header(answer)
}

func header(answer string) string {
	sum := sha256.Sum256([]byte(answer))
	return memoryFormat + " " + hex.EncodeToString(sum[:])
}

// keep publishes an answer by rename, so that it is whole or absent. That it
// cannot be kept (no file for it, a read-only home, a full disk) is no error.
func keep(file, answer string) {
	folder := filepath.Dir(file)
	if file == "" || os.MkdirAll(folder, 0o755) != nil {
		return
	}
	tmp, err := os.CreateTemp(folder, ".new-*")
	if err != nil {
		return
	}
	_, err = tmp.WriteString(header(answer) + "\n" + answer)
	if closeErr := tmp.Close(); err != nil || closeErr != nil || os.Rename(tmp.Name(), file) != nil {
		_ = os.Remove(tmp.Name())
	}
}
