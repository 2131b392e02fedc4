// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"math"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

func TestSecondsInJSON(t *testing.T) {
	for s, want := range map[Seconds]string{
		0:                                     "0.000000",
		1499:                                  "0.000001",
		Seconds(1234567891 * time.Nanosecond): "1.234568",
		Seconds(-1500 * time.Millisecond):     "-1.500000",
		Seconds(20 * 24 * time.Hour):          "1728000.000000",
		math.MaxInt64:                         "9223372036.854776",
		math.MinInt64:                         "-9223372036.854776",
	} {
		if got, err := json.Marshal(s); err != nil || string(got) != want {
			t.Errorf("%d: %s, %v, want %s", s, got, err, want)
		}
	}
}

func TestSecondsFromJSON(t *testing.T) {
	for text, want := range map[string]Seconds{
		"0": 0, "1.234568": 1234568000, "-1.5": -1500000000, "1e1": 10000000000, "0.0000000004": 0,
	} {
		var got Seconds
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{`"1"`, `null`, `{}`, `1e10`, `-1e10`, `1e999`, `1.`, ``} {
		got := Seconds(7)
		if err := json.Unmarshal([]byte(text), &got); err == nil || got != 7 {
			t.Errorf("%s: accepted as %d", text, got)
		}
	}
}
