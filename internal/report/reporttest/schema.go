// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reporttest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Schema is a JSON Schema of the kind that docs/events.schema.json is: it knows those of
// the language's words that are used there, and no other.
type Schema struct{ root map[string]any }

// ReadSchema reads a schema.
func ReadSchema(text []byte) (*Schema, error) {
	s := &Schema{}
	if err := json.Unmarshal(text, &s.root); err != nil {
		return nil, err
	}
	return s, nil
}

// Check says what is wrong with a JSON text, nil if nothing is. It must be strict JSON:
// UTF-8, no name twice.
func (s *Schema) Check(text []byte) error {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	return s.check("", s.root, value)
}

func (s *Schema) check(path string, schema map[string]any, value any) error {
	for _, word := range slices.Sorted(maps.Keys(schema)) {
		if err := s.word(path, schema, word, value); err != nil {
			return err
		}
	}
	return nil
}

func (s *Schema) word(path string, schema map[string]any, word string, value any) error {
	switch arg := schema[word]; word {
	case "$schema", "$id", "$defs", "title", "description", "then":
		return nil
	case "$ref":
		name := strings.TrimPrefix(arg.(string), "#/$defs/")
		return s.check(path, s.root["$defs"].(map[string]any)[name].(map[string]any), value)
	case "type":
		return checkType(path, arg.(string), value)
	case "const":
		return checkOneOf(path, []any{arg}, value)
	case "enum":
		return checkOneOf(path, arg.([]any), value)
	case "format":
		return checkFormat(path, arg.(string), value)
	case "required":
		return checkRequired(path, arg.([]any), value)
	case "properties":
		return s.properties(path, arg.(map[string]any), value)
	case "items":
		return s.items(path, arg.(map[string]any), value)
	case "allOf":
		return s.all(path, arg.([]any), value)
	case "if":
		if s.check(path, arg.(map[string]any), value) != nil {
			return nil
		}
		return s.check(path, schema["then"].(map[string]any), value)
	default:
		return fmt.Errorf("%s: the schema's %q is not known here", path, word)
	}
}

func (s *Schema) properties(path string, schemas map[string]any, value any) error {
	object, _ := value.(map[string]any)
	for name, field := range object {
		if schema, ok := schemas[name].(map[string]any); ok {
			if err := s.check(path+"."+name, schema, field); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Schema) items(path string, schema map[string]any, value any) error {
	list, _ := value.([]any)
	for i, item := range list {
		if err := s.check(fmt.Sprintf("%s[%d]", path, i), schema, item); err != nil {
			return err
		}
	}
	return nil
}

func (s *Schema) all(path string, schemas []any, value any) error {
	for _, schema := range schemas {
		if err := s.check(path, schema.(map[string]any), value); err != nil {
			return err
		}
	}
	return nil
}

func checkType(path, want string, value any) error {
	var is string
	switch v := value.(type) {
	case map[string]any:
		is = "object"
	case []any:
		is = "array"
	case string:
		is = "string"
	case bool:
		is = "boolean"
	case float64:
		is = "number"
		if want == "integer" && v == math.Trunc(v) {
			is = "integer"
		}
	}
	if is != want {
		return fmt.Errorf("%s: %v is no %s", path, value, want)
	}
	return nil
}

func checkOneOf(path string, allowed []any, value any) error {
	if !slices.Contains(allowed, value) {
		return fmt.Errorf("%s: %v is none of %v", path, value, allowed)
	}
	return nil
}

func checkFormat(path, format string, value any) error {
	text, _ := value.(string)
	if format != "date-time" {
		return fmt.Errorf("%s: the schema's format %q is not known here", path, format)
	}
	_, err := time.Parse(time.RFC3339Nano, text)
	return err
}

func checkRequired(path string, names []any, value any) error {
	object, _ := value.(map[string]any)
	for _, name := range names {
		if _, ok := object[name.(string)]; !ok {
			return fmt.Errorf("%s: %s is missing", path, name)
		}
	}
	return nil
}
