// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package toolchain

import (
	"fmt"
	"os"
	"strings"
)

// CompilesItself checks that a clang is the program that will compile: that it is
// not another one that calls a clang, as ccache does under the name of one, or the
// binary wrappers of some distributions. What such a program calls may change
// without it. Clang says with -### which program it would run.
func CompilesItself(clang string) error {
	answer, err := remembered("compiles itself", clang, func() (string, error) {
		return askAloud(clang, "-###", "-x", "ir", "-c", os.DevNull, "-o", os.DevNull)
	})
	if err != nil {
		return err
	}
	runs := compilerIn(answer)
	if runs == "" {
		return fmt.Errorf("%s: does not say which program compiles, as clang would", clang)
	}
	same, err := sameFile(clang, runs)
	if err == nil && !same {
		err = fmt.Errorf("%s: does not compile itself but calls %s", clang, runs)
	}
	return err
}

// compilerIn is the program of the first command with -cc1 that clang -### prints.
func compilerIn(said string) string {
	for line := range strings.Lines(said) {
		program, rest, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), `"`), `" "`)
		if ok && strings.HasPrefix(rest, `-cc1"`) {
			return program
		}
	}
	return ""
}

func sameFile(a, b string) (bool, error) {
	infoA, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	infoB, err := os.Stat(b)
	return err == nil && os.SameFile(infoA, infoB), err
}
