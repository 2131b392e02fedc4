// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reporttest

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// MostAtOnce is how many compiles of all links in a text of events there were, and how many
// of them ran at one moment. One that ends when another begins was before it.
func MostAtOnce(text []byte) (most, attempts int, err error) {
	type change struct {
		when time.Time
		by   int
	}
	var changes []change
	began := map[string]time.Time{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var e struct {
			Event, Link string
			Time        time.Time
			Start, End  float64
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return 0, 0, err
		}
		after := func(seconds float64) time.Time {
			return began[e.Link].Add(time.Duration(seconds * float64(time.Second)))
		}
		switch e.Event {
		case "start":
			began[e.Link] = e.Time
		case "attempt":
			attempts++
			changes = append(changes, change{after(e.Start), 1}, change{after(e.End), -1})
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(a.when.Compare(b.when), a.by-b.by) })
	running := 0
	for _, c := range changes {
		running += c.by
		most = max(most, running)
	}
	return most, attempts, nil
}
