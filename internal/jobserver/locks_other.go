// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package jobserver

// locks do not exist on this system.
type locks struct{}

func openLocks(string, int) *locks   { return nil }
func (l *locks) othersWait() bool    { return false }
func (l *locks) tryAny() (int, bool) { return 0, true }
func (l *locks) unlock(int)          {}
func (l *locks) beginWait() bool     { return true }
func (l *locks) endWait()            {}
func (l *locks) close()              {}
