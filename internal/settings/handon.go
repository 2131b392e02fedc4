// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import "strings"

// HandOn says how the distributor that LLD starts gets what was given on the linker's
// command line: as arguments, or as variables to set (not to add: they may be there) if
// there are secrets in it, for every user of the machine can read argument lists. What
// came from variables and files the distributor reads itself.
func (s *Settings) HandOn() (args []string, variables map[string]string) {
	variables = map[string]string{}
	for i := range All {
		setting := &All[i]
		given, secret := s.onCommandLine(setting)
		switch {
		case setting.LinkOnly || len(given) == 0:
		case secret:
			variables[setting.variable()] = s.lines(setting)
		default:
			args = append(args, given...)
		}
	}
	return args, variables
}

// onCommandLine are the arguments with which the setting was given, and whether there is
// a secret in them.
func (s *Settings) onCommandLine(setting *Setting) (args []string, secret bool) {
	for _, v := range s.values[setting.Name] {
		if v.from == commandLine {
			args = append(args, "--"+setting.Name+"="+v.text)
			secret = secret || setting.secret(v.text)
		}
	}
	return args, secret
}

// lines are all values that the command line and variables gave, as a variable has
// them.
func (s *Settings) lines(setting *Setting) string {
	var lines []string
	for _, v := range s.values[setting.Name] {
		if v.from >= environment {
			lines = append(lines, v.text)
		}
	}
	return strings.Join(lines, "\n")
}
