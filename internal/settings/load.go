// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dtlto/dtlto/internal/lld"
)

// Given is a value that somebody gave for a setting.
type Given struct {
	// Origin is where: --jobs, --dtlto-jobs, DTLTO_JOBS or FILE:LINE.
	Origin string
	// Name is the setting's or, of a switch, its negation's.
	Name  string
	Value string
}

// source is where values come from. Higher ones are stronger.
type source int

const (
	userFile source = iota
	namedFile
	environment
	commandLine
)

// value is a value that counts, checked.
type value struct {
	text, origin string
	from         source
}

// Load sets what files, variables and the command line say, and returns the first thing
// that is wrong, an *Error; of the command line if there is something wrong with that.
// What is wrong leaves its setting as it was.
func (s *Settings) Load(given []Given, getenv func(string) string) error {
	var first error
	for _, f := range configFiles(given, getenv) {
		first = firstOf(first, s.loadFile(f, getenv))
	}
	first = firstOf(first, s.apply(environment, variables(getenv)))
	return firstOf(s.apply(commandLine, given), first)
}

func firstOf(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// variables are what DTLTO_ variables say. Empty ones say nothing. Of a setting that can
// be given again they have a value on each line.
func variables(getenv func(string) string) (given []Given) {
	for i := range All {
		setting := &All[i]
		text := getenv(setting.variable())
		if text == "" {
			continue
		}
		values := []string{text}
		if setting.Repeat {
			values = slices.DeleteFunc(strings.Split(text, "\n"), func(v string) bool { return v == "" })
		}
		for _, v := range values {
			given = append(given, Given{setting.variable(), setting.Name, v})
		}
	}
	return given
}

func (setting *Setting) variable() string {
	return "DTLTO_" + strings.ToUpper(strings.ReplaceAll(setting.Name, "-", "_"))
}

// FromArguments are what the linker's --dtlto- options say. The error is an *Error.
func FromArguments(args []lld.Arg) (given []Given, err error) {
	for _, arg := range args {
		name, value, ok := lld.OwnOption(arg)
		if !ok {
			continue
		}
		option := "--dtlto-" + name
		setting, _ := lookup(name)
		switch {
		case setting == nil:
			return nil, &Error{fmt.Errorf("%s: unknown option%s; see ld.dtlto --dtlto-help", option, nearest(name, "--dtlto-", true))}
		case setting.Argument != "" && !strings.Contains(arg.Name, "="):
			return nil, &Error{fmt.Errorf("%s: needs a value, as in %s=%s", option, option, setting.Argument)}
		}
		g := Given{option, name, value}
		if _, err := g.resolve(); err != nil {
			return nil, err
		}
		given = append(given, g)
	}
	return given, nil
}

// lookup finds the setting of that name, or of that negation.
func lookup(name string) (setting *Setting, negated bool) {
	for i := range All {
		if All[i].Name == name {
			return &All[i], false
		}
		if name != "" && All[i].Negation() == name {
			return &All[i], true
		}
	}
	return nil, false
}

// choice is a value that was checked, and its setting.
type choice struct {
	setting *Setting
	value   string
}

// resolve checks a value.
func (g Given) resolve() (choice, error) {
	setting, negated := lookup(g.Name)
	if setting == nil {
		return choice{}, &Error{fmt.Errorf("%s: there is no such setting", g.Origin)}
	}
	c := choice{setting, g.Value}
	err := setting.check(g.Value)
	if on, wrong := parseSwitch(g.Value); setting.Argument == "" {
		c.value = strconv.FormatBool(on && !negated)
		if negated && (wrong != nil || !on) {
			err = errors.New("takes no value")
		}
	}
	switch {
	case err == nil:
		return c, nil
	case setting.Secret() || g.Value == "":
		return c, &Error{fmt.Errorf("%s: %w", g.Origin, err)}
	}
	return c, &Error{fmt.Errorf("%s=%s: %w", g.Origin, g.Value, err)}
}

// apply sets what one source gives, over what weaker ones did.
func (s *Settings) apply(from source, given []Given) (first error) {
	touched := map[string][]value{}
	for _, g := range given {
		c, err := g.resolve()
		if err != nil {
			first = firstOf(first, err)
			continue
		}
		touched[c.setting.Name] = append(touched[c.setting.Name], value{c.value, g.Origin, from})
	}
	for name, values := range touched {
		s.put(find(name), values)
	}
	return first
}

// put adds checked values of one source.
func (s *Settings) put(setting *Setting, values []value) {
	if setting.Repeat {
		values = append(slices.DeleteFunc(slices.Clone(s.values[setting.Name]), replacedBy(setting, values)), values...)
	} else {
		values = values[len(values)-1:]
	}
	if s.values == nil {
		s.values = map[string][]value{}
	}
	s.values[setting.Name] = values
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.text
	}
	setting.fill(s, texts)
}

// replacedBy says which values others of a stronger source take the place of.
func replacedBy(setting *Setting, stronger []value) func(value) bool {
	keys := map[string]bool{}
	if setting.key != nil {
		for _, v := range stronger {
			keys[setting.key(v.text)] = true
		}
	}
	return func(v value) bool { return setting.key != nil && keys[setting.key(v.text)] }
}

// Set sets a setting by name, as if it were on the command line. The error names neither
// the setting nor the value.
func (s *Settings) Set(name, text string) error {
	setting := find(name)
	if setting == nil {
		return errors.New("there is no such setting")
	}
	if err := setting.check(text); err != nil {
		return err
	}
	s.put(setting, []value{{text, "", commandLine}})
	return nil
}

// Check says what is wrong with a value for a setting. The error names neither.
func Check(name, value string) error { return new(Settings).Set(name, value) }
