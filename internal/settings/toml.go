// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// entry is a line of a file of settings.
type entry struct {
	key   string
	value any // string, int64, float64, bool, []any, or what no setting takes
	at    position
}

type position struct{ line, column int }

// locatedError is something that is wrong at a place of a file.
type locatedError struct {
	at  position
	err error
}

func (e *locatedError) Error() string { return e.err.Error() }
func (e *locatedError) Unwrap() error { return e.err }

func (e entry) wrong(err error) error {
	return &locatedError{e.at, fmt.Errorf("%s: %w", printable(e.key), err)}
}

// parseFile reads the entries of a file, in their order. All of TOML is understood, so
// that what is wrong can be said, but there are no tables. The decoder has the values
// and refuses what is malformed or twice there; the parser knows where the keys are. An
// error is a *locatedError, without any value in it.
func parseFile(text []byte) ([]entry, error) {
	var values map[string]any
	if err := toml.Unmarshal(text, &values); err != nil {
		return nil, malformed(err)
	}
	var p unstable.Parser
	var entries []entry
	for p.Reset(text); p.NextExpression(); {
		e, flat := keyOf(&p)
		if !flat {
			return nil, e.wrong(errors.New("there are no tables in this file, only lines NAME = VALUE"))
		}
		e.value = values[e.key]
		entries = append(entries, e)
	}
	if err := p.Error(); err != nil {
		return nil, malformed(err)
	}
	return entries, nil
}

// keyOf is the key of the parser's expression, and whether that is a key by itself.
func keyOf(p *unstable.Parser) (e entry, flat bool) {
	expression := p.Expression()
	flat = expression.Kind == unstable.KeyValue
	for key := expression.Key(); key.Next(); {
		node := key.Node()
		if e.at.line > 0 {
			e.key, flat = e.key+"."+string(node.Data), false
			continue
		}
		start := p.Shape(node.Raw).Start
		e.key, e.at = string(node.Data), position{start.Line, start.Column}
	}
	return e, flat
}

// malformed keeps the decoder's words and the place. They quote at most a character or a
// key.
func malformed(err error) error {
	located := &locatedError{position{1, 1}, errors.New(strings.TrimPrefix(err.Error(), "toml: "))}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		located.at.line, located.at.column = decode.Position()
	}
	return located
}

// texts are the values of the setting in a file, as they would be on a command line.
func (setting *Setting) texts(v any) ([]string, error) {
	if !setting.Repeat {
		text, err := setting.text(v)
		return []string{text}, err
	}
	list, ok := v.([]any)
	texts := make([]string, len(list))
	for i := 0; ok && i < len(list); i++ {
		texts[i], ok = list[i].(string)
	}
	if !ok {
		return nil, fmt.Errorf("must be a list of strings, as in [%q]", setting.Argument)
	}
	return texts, nil
}

// text is a single value. Its type must be what the setting is, or one of those where it
// can be written as a number or with a unit.
func (setting *Setting) text(v any) (string, error) {
	units := setting.Argument == "SIZE" || setting.Argument == "SECONDS"
	switch v := v.(type) {
	case bool:
		if setting.Argument == "" {
			return strconv.FormatBool(v), nil
		}
	case int64:
		if setting.Argument == "N" || units {
			return strconv.FormatInt(v, 10), nil
		}
	case float64:
		if setting.Argument == "SECONDS" {
			return strconv.FormatFloat(v, 'f', -1, 64), nil
		}
	case string:
		// An empty string is no switch here, and a variable can have any of them.
		if setting.Argument != "" && setting.Argument != "N" || strings.Contains(v, "$") {
			return v, nil
		}
	}
	return "", fmt.Errorf("must be %s", setting.typeName(units))
}

func (setting *Setting) typeName(units bool) string {
	switch {
	case setting.Argument == "":
		return "true or false, without quotes"
	case setting.Argument == "N":
		return "a number, without quotes"
	case units:
		return "a number, or a string with a unit"
	}
	return "a string"
}
