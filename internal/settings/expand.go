// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"errors"
	"fmt"
	"strings"
)

// expand replaces $NAME and ${NAME} by variables, and $$ by a dollar. The error names
// the variable, never a value. Only values in files are expanded: on a command line
// the shell did that, and who makes a variable can put what he likes in it.
func expand(v string, getenv func(string) string) (string, error) {
	var text strings.Builder
	for {
		before, rest, found := strings.Cut(v, "$")
		text.WriteString(before)
		if !found {
			return text.String(), nil
		}
		if v, found = strings.CutPrefix(rest, "$"); found {
			text.WriteByte('$')
			continue
		}
		name, after, err := variableName(rest)
		if err != nil {
			return "", err
		}
		value := getenv(name)
		if value == "" {
			return "", fmt.Errorf("the variable %s is not set, or empty", name)
		}
		text.WriteString(value)
		v = after
	}
}

// variableName reads NAME or {NAME} at the start of v.
func variableName(v string) (name, rest string, err error) {
	inner, braces := strings.CutPrefix(v, "{")
	n := 0
	for n < len(inner) && (inner[n] == '_' || inner[n]|0x20 >= 'a' && inner[n]|0x20 <= 'z' || n > 0 && inner[n] >= '0' && inner[n] <= '9') {
		n++
	}
	name, rest = inner[:n], inner[n:]
	if braces {
		rest, braces = strings.CutPrefix(rest, "}")
		if !braces {
			name = ""
		}
	}
	if name == "" {
		return "", "", errors.New("must have a variable's name after $, as in $NAME or ${NAME}; a dollar is written $$")
	}
	return name, rest, nil
}
