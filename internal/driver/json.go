// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// writeJSON writes a value as JSON for scripts that people can read too. Durations are
// numbers of seconds. Names in files need not be UTF-8, which JSON is: what is not becomes
// U+FFFD.
func writeJSON(w io.Writer, v any) error {
	seconds := json.MarshalToFunc(func(e *jsontext.Encoder, d time.Duration) error {
		return e.WriteToken(jsontext.Float(d.Seconds()))
	})
	text, err := json.Marshal(v, jsontext.WithIndent("  "), jsontext.AllowInvalidUTF8(true), json.Deterministic(true), json.WithMarshalers(seconds))
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
