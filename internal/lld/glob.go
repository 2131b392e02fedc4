// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"errors"
	"fmt"
	"strings"
)

// A glob is one of LLVM's patterns (llvm::GlobPattern, as LLD 17 to 22 use it). It
// matches whole names, byte by byte: '*' stands for any bytes and '?' for one, slashes
// too; [x-z] is one of a class, in which ']' may come first and a backslash is itself;
// [!x-z] or [^x-z] is one that is not of it; else a backslash takes the meaning from what
// is next. Braces have none.
type glob string

// LLVM 18 to 22's words.
var (
	errOpenClass  = errors.New("invalid glob pattern, unmatched '['")
	errLoneEscape = errors.New(`invalid glob pattern, stray '\'`)
	errRange      = errors.New("invalid glob pattern")
)

// newGlob checks a pattern.
func newGlob(pattern string) (glob, error) {
	for rest := pattern; rest != ""; {
		n := tokenSize(rest)
		switch {
		case n == 0 && rest[0] == '[':
			return "", fmt.Errorf("%w: %s", errOpenClass, pattern)
		case n == 0:
			return "", fmt.Errorf("%w: %s", errLoneEscape, pattern)
		case rest[0] == '[' && !isClass(rest[1:n-1]):
			return "", fmt.Errorf("%w: %s", errRange, pattern)
		}
		rest = rest[n:]
	}
	return glob(pattern), nil
}

// tokenSize is the length of a pattern's first byte, escaped byte or class; 0 if that has
// no end. The first byte of a class does not end it.
func tokenSize(pattern string) int {
	switch {
	case pattern[0] == '[':
		if len(pattern) > 2 {
			if end := strings.IndexByte(pattern[2:], ']'); end >= 0 {
				return end + 3
			}
		}
		return 0
	case pattern[0] == '\\' && len(pattern) == 1:
		return 0
	case pattern[0] == '\\':
		return 2
	}
	return 1
}

// match says whether the pattern matches a name, in a time that is at most the product of
// their lengths.
func (g glob) match(name string) bool {
	pattern := string(g)
	starred, afterStar, from := false, "", "" // where the last '*' is tried now
	for name != "" {
		if strings.HasPrefix(pattern, "*") {
			pattern = pattern[1:]
			starred, afterStar, from = true, pattern, name
			continue
		}
		if pattern != "" && matchByte(pattern, name[0]) {
			pattern, name = pattern[tokenSize(pattern):], name[1:]
			continue
		}
		if !starred {
			return false
		}
		from = from[1:]
		pattern, name = afterStar, from
	}
	return strings.Trim(pattern, "*") == ""
}

// matchByte says whether a pattern's first token, which is not '*', matches a byte.
func matchByte(pattern string, c byte) bool {
	switch pattern[0] {
	case '?':
		return true
	case '[':
		return inClass(pattern[1:tokenSize(pattern)-1], c)
	case '\\':
		return pattern[1] == c
	}
	return pattern[0] == c
}

// inClass looks for a byte in a class, as it stands between its brackets.
func inClass(class string, c byte) bool {
	class, inverted := cutInversion(class)
	for class != "" {
		low, high, n := firstRange(class)
		if low <= c && c <= high {
			return !inverted
		}
		class = class[n:]
	}
	return inverted
}

// isClass says whether every range of a class has a first byte that is not above its last.
func isClass(class string) bool {
	class, _ = cutInversion(class)
	for class != "" {
		low, high, n := firstRange(class)
		if low > high {
			return false
		}
		class = class[n:]
	}
	return true
}

func cutInversion(class string) (rest string, inverted bool) {
	if class[0] == '^' || class[0] == '!' {
		return class[1:], true
	}
	return class, false
}

// firstRange is the range of bytes, or the byte, at the beginning of a class, and how long
// that is.
func firstRange(class string) (low, high byte, n int) {
	if len(class) >= 3 && class[1] == '-' {
		return class[0], class[2], 3
	}
	return class[0], class[0], 1
}
