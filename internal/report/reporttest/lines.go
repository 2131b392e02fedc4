// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reporttest

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// head is what every event has.
type head struct {
	Event string  `json:"event"`
	At    float64 `json:"at"`
	Link  string  `json:"link"`
}

// CheckLines says what is wrong with a file of events: a line that the schema does not
// allow, or a link whose events have no order.
func (s *Schema) CheckLines(file []byte) error {
	if !bytes.HasSuffix(file, []byte("\n")) {
		return errors.New("the last line has no end")
	}
	last := map[string]head{}
	n := 0
	for line := range bytes.Lines(file) {
		n++
		err := s.Check(line)
		if err == nil {
			err = checkOrder(last, line)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w: %s", n, err, line)
		}
	}
	for link, h := range last {
		if h.Event != "end" {
			return fmt.Errorf("link %s: the last event is %s", link, h.Event)
		}
	}
	return nil
}

// checkOrder holds a line against the one before of the same link.
func checkOrder(last map[string]head, line []byte) error {
	var h head
	if err := json.Unmarshal(line, &h); err != nil {
		return err
	}
	before, begun := last[h.Link]
	last[h.Link] = h
	switch {
	case begun == (h.Event == "start"):
		return errors.New("the first event of a link must be start, and no other")
	case begun && before.Event == "end":
		return errors.New("an event after the end")
	case h.At < before.At:
		return fmt.Errorf("it was before the last, at %f", before.At)
	}
	return nil
}
