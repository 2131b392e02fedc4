// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"slices"
	"strconv"
	"strings"
)

// arguments compares the commands, option by option. A file that was renamed is
// called the same in both.
func (c *comparison) arguments(files pairs) {
	names := make([]string, 0, len(c.before.Extra))
	for i, in := range c.before.Extra {
		if k := files.ofBefore[i]; k >= 0 {
			in = c.after.Extra[k]
		}
		names = append(names, in.Path)
	}
	before := options(c.before, names)
	names = names[:0]
	for _, in := range c.after.Extra {
		names = append(names, in.Path)
	}
	after := options(c.after, names)
	removed, added := without(before, after), without(after, before)
	if len(removed)+len(added) == 0 {
		if !slices.Equal(before, after) {
			c.add(Difference{What: ArgumentsMoved})
		}
		return
	}
	// Of one kind, the first that is gone has become the first that is new.
	became := map[string][]string{}
	for _, option := range removed {
		became[kindOf(option)] = append(became[kindOf(option)], option)
	}
	for _, option := range added {
		kind := kindOf(option)
		if old := became[kind]; len(old) > 0 {
			became[kind] = old[1:]
			c.add(Difference{What: ArgumentChanged, Before: old[0], After: option})
		} else {
			c.add(Difference{What: ArgumentAdded, Name: option})
		}
	}
	for _, option := range removed {
		if kind := kindOf(option); len(became[kind]) > 0 && became[kind][0] == option {
			became[kind] = became[kind][1:]
			c.add(Difference{What: ArgumentRemoved, Name: option})
		}
	}
}

// options are the arguments of an action, those that take the next one joined
// with it, and files by their names in the link: extra ones by the given names.
func options(a *Action, extra []string) []string {
	var list []string
	for i := 0; i < len(a.Args); i++ {
		option := a.withPaths(a.Args[i], extra)
		if takesNext(a.Args[i]) && i+1 < len(a.Args) {
			i++
			option += " " + a.withPaths(a.Args[i], extra)
		}
		list = append(list, option)
	}
	return list
}

func takesNext(arg string) bool {
	switch arg {
	case "-mllvm", "-Xclang", "-target", "-x", "-o", "-include", "-I", "-D":
		return true
	}
	return false
}

// withPaths replaces the action's name for a file by what people call it.
func (a *Action) withPaths(arg string, extra []string) string {
	head, name := "", arg
	if strings.HasPrefix(arg, "-") {
		equals := strings.LastIndexByte(arg, '=') + 1
		head, name = arg[:equals], arg[equals:]
	}
	if rank, ok := strings.CutSuffix(name, ".bc"); ok && isNumber(rank) {
		switch n, err := strconv.Atoi(rank); {
		case err != nil || n >= len(a.Modules):
		case n == a.Own:
			return head + "(the module)"
		default:
			return head + Readable(a.Modules[n].Path)
		}
	}
	if rest, ok := strings.CutPrefix(name, "input"); ok {
		number, _, _ := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(number); err == nil && isNumber(number) && n < len(extra) {
			return head + extra[n]
		}
	}
	return arg
}

// kindOf is what two options have in common of which one can take the other's
// place: all up to the value, or the thing that is turned on or off.
func kindOf(option string) string {
	if name, _, ok := strings.Cut(option, "="); ok {
		return name
	}
	if strings.HasPrefix(option, "-O") {
		return "-O"
	}
	if rest, ok := strings.CutPrefix(option, "-fno-"); ok {
		return "-f" + rest
	}
	return option
}

// without is what list has more of than other.
func without(list, other []string) []string {
	spare := make(map[string]int, len(other))
	for _, s := range other {
		spare[s]++
	}
	var more []string
	for _, s := range list {
		if spare[s]--; spare[s] < 0 {
			more = append(more, s)
		}
	}
	return more
}

// variables are the values of an environment, where the last one of a name counts, and
// the names, each once.
func variables(env []string) (values map[string]string, names []string) {
	values = make(map[string]string, len(env))
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		if _, ok := values[name]; !ok {
			names = append(names, name)
		}
		values[name] = value
	}
	return values, names
}
