// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"strings"

	"github.com/dtlto/dtlto/internal/settings"
)

// usageWords are the words of a usage line, such as "explain [OUTPUT] [MODULE]", after
// the command's name, in mdoc.
func usageWords(use string) []string {
	var out []string
	for _, word := range strings.Fields(use) {
		core, dots := strings.CutSuffix(word, "...")
		core, open := strings.CutPrefix(core, "[")
		if open {
			out = append(out, "Oo")
			core = strings.TrimSuffix(core, "]")
		}
		out = append(out, usageWord(core)...)
		if open {
			out = append(out, "Oc")
		}
		if dots {
			out = append(out, "Ns", argument("..."))
		}
	}
	return out
}

// usageWord is a word of a usage line: capitals stand for something, the rest for itself.
func usageWord(word string) []string {
	if name, isFlag := strings.CutPrefix(word, "-"); isFlag {
		name, value, hasValue := strings.Cut(name, "=")
		if !hasValue || strings.ToUpper(value) != value {
			return []string{"Fl", argument(strings.TrimPrefix(word, "-"))}
		}
		return []string{"Fl", argument(name + "="), "Ns", "Ar", argument(value)}
	}
	if word != "" && (strings.ToUpper(word[:1]) != word[:1] || strings.ContainsAny(word, "|")) {
		return []string{"Cm", argument(word)}
	}
	return []string{"Ar", argument(word)}
}

// option is how an option is written, of a name and what its value is.
func option(name, value string) []string {
	if value == "" {
		return []string{"Fl", argument("-" + name)}
	}
	return []string{"Fl", argument("-" + name + "="), "Ns", "Ar", argument(value)}
}

// settingSections are the settings of a program, whose options begin with prefix, in the
// groups of help.
func settingSections(p *page, prefix string, of func(*settings.Setting) bool) {
	heading, open := "", false
	for i := range settings.All {
		setting := &settings.All[i]
		if setting.Group != "" {
			heading = setting.Group
		}
		if !of(setting) {
			continue
		}
		if heading != "" || !open {
			if open {
				p.endList()
			}
			if heading != "" {
				p.macro("Ss", argument(heading))
			}
			p.beginList()
			heading, open = "", true
		}
		settingItem(p, prefix, setting)
	}
	p.endList()
}

func settingItem(p *page, prefix string, setting *settings.Setting) {
	p.item(option(prefix+setting.Name, setting.Argument)...)
	p.fill(sentence(inWordsOf(prefix, setting.Help)))
	if negation := setting.Negation(); negation != "" {
		p.macro(option(prefix+negation, "")...)
		p.fill("turns that off.")
	}
}

// inWordsOf gives the options that a text names the prefix that they have in a program.
func inWordsOf(prefix, text string) string {
	if prefix == "" {
		return text
	}
	for i := range settings.All {
		text = replaceOption(text, settings.All[i].Name, prefix)
	}
	return text
}

// replaceOption puts the prefix before one option where a text has it as a whole word.
func replaceOption(text, name, prefix string) string {
	words := strings.SplitAfter(text, " ")
	for i, word := range words {
		bare := strings.TrimRight(word, " ,.;:)")
		if bare == "--"+name {
			words[i] = "--" + prefix + name + word[len(bare):]
		}
	}
	return strings.Join(words, "")
}

func everySetting(*settings.Setting) bool       { return true }
func ofTheDistributor(s *settings.Setting) bool { return !s.LinkOnly }
