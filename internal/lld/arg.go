// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import "strings"

// Arg is one option or input of a linker's command line.
type Arg struct {
	// Name is the option's canonical name without dashes ("relocatable" for
	// -r), or empty for an input.
	Name string
	// Value is the option's value, or the input's path.
	Value string
	// First and Last are the indexes of its first and last word.
	First, Last int
}

// IsInput says whether a is a file that the linker opens by its name as given.
func (a Arg) IsInput() bool { return a.Name == "" }

// Parse splits the words of a command line, response files expanded, into
// options and inputs the way LLD does. It never fails: what LLD will refuse
// (an unknown option, a missing value) is kept as an option of that name.
func Parse(words []string) []Arg {
	args := make([]Arg, 0, len(words))
	for i := 0; i < len(words); i++ {
		arg, used := parseOne(words, i)
		args = append(args, arg)
		i += used - 1
	}
	return args
}

// parseOne reads the argument that starts at words[i] and says how many words
// it takes.
func parseOne(words []string, i int) (arg Arg, used int) {
	word := words[i]
	if (word == "-plugin-opt" || word == "--plugin-opt") && i+1 < len(words) {
		arg, _ := parseOne([]string{word + "=" + words[i+1]}, 0) // as LLD joins them
		arg.First, arg.Last = i, i+1
		return arg, 2
	}
	body, dash := cutDashes(word)
	if dash == 0 || body == "" { // "-" is an input that LLD cannot open
		return Arg{Value: word, First: i, Last: i}, 1
	}
	opt, value, inWord := lookup(body, dash)
	if opt.name == "" {
		return Arg{Name: body, First: i, Last: i}, 1
	}
	if opt.form == flag || inWord {
		return named(opt.name, value, i, i), 1
	}
	if i+1 == len(words) {
		return named(opt.name, "", i, i), 1
	}
	return named(opt.name, words[i+1], i, i+1), 2
}

// named makes an option of its canonical name. Options that come through
// -plugin-opt= are the linker's own in another dress (the gold plugin's).
func named(name, value string, first, last int) Arg {
	switch name {
	case "plugin-opt=-":
		name, value = "mllvm", "-"+value
		if strings.HasPrefix(value, "-fresolution=") || strings.HasPrefix(value, "-pass-through=") {
			name = "plugin-opt" // GCC's; LLD ignores them
		}
	case "plugin-opt=O":
		name = "lto-O"
	case "plugin-opt":
		key, rest, _ := strings.Cut(value, "=")
		if alias, ok := pluginOptions[key]; ok {
			name, value = alias, rest
		}
	}
	return Arg{Name: name, Value: value, First: first, Last: last}
}

// pluginOptions are the -plugin-opt= names with an option of their own.
var pluginOptions = map[string]string{
	"debug-pass-manager": "lto-debug-pass-manager", "disable-verify": "disable-verify", "dwo_dir": "dwo-dir",
	"emit-asm": "lto-emit-asm", "emit-llvm": "lto-emit-llvm", "jobs": "thinlto-jobs", "lto-partitions": "lto-partitions",
	"mcpu": "mcpu", "cs-profile-generate": "lto-cs-profile-generate", "cs-profile-path": "lto-cs-profile-file",
	"obj-path": "lto-obj-path", "opt-remarks-filename": "opt-remarks-filename",
	"opt-remarks-passes": "opt-remarks-passes", "opt-remarks-format": "opt-remarks-format",
	"opt-remarks-with-hotness":      "opt-remarks-with-hotness",
	"opt-remarks-hotness-threshold": "opt-remarks-hotness-threshold",
	"sample-profile":                "lto-sample-profile",
	"save-temps":                    "save-temps",
	"stats-file":                    "stats-file",
	"time-trace":                    "time-trace",
	"thinlto-emit-imports-files":    "thinlto-emit-imports-files",
	"thinlto-index-only":            "thinlto-index-only",
	"thinlto-object-suffix-replace": "thinlto-object-suffix-replace",
	"thinlto-prefix-replace":        "thinlto-prefix-replace",
	"new-pass-manager":              "lto-new-pass-manager",
	"legacy-pass-manager":           "lto-legacy-pass-manager",
	"pseudo-probe-for-profiling":    "lto-pseudo-probe-for-profiling",
	"opaque-pointers":               "lto-opaque-pointers",
	"no-opaque-pointers":            "no-lto-opaque-pointers",
	"thinlto":                       "thinlto",
}

// cutDashes removes one or two leading dashes. "--" alone is an option of an
// empty name to LLD and an input to nobody; it is read as an input here too,
// since LLD refuses it either way.
func cutDashes(word string) (body string, dash dashes) {
	if body, ok := strings.CutPrefix(word, "--"); ok {
		return body, two
	}
	if body, ok := strings.CutPrefix(word, "-"); ok {
		return body, one
	}
	return word, 0
}

// lookup finds the option that body names. Where several fit, LLD takes the
// longest: -omagic is "-o magic" (two dashes make it the flag), -plugin-opt=O2
// is the joined option "plugin-opt=O".
func lookup(body string, dash dashes) (opt option, value string, inWord bool) {
	table := options()
	if opt, ok := table[body]; ok && opt.dash&dash != 0 && opt.form != joined {
		return opt, "", opt.form == flag
	}
	for _, name := range joinedNames {
		if value, ok := strings.CutPrefix(body, name); ok {
			if opt := table[name]; opt.dash&dash != 0 {
				return opt, value, true
			}
		}
	}
	if name, value, ok := strings.Cut(body, "="); ok {
		if opt, ok := table[name+"="]; ok && opt.dash&dash != 0 {
			return opt, value, true
		}
		if opt, ok := table[name]; ok && opt.form == equals && opt.dash&dash != 0 {
			return opt, value, true
		}
	}
	if opt, ok := table[body[:1]]; ok && opt.form == joinedOrSeparate && dash == one {
		return opt, body[1:], true
	}
	return option{}, "", false
}
