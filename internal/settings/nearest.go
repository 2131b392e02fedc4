// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import "fmt"

// nearest says which setting may have been meant, as " (did you mean X?)", or nothing.
func nearest(name, prefix string, negations bool) string {
	best := nearestName(name, negations)
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s%s?)", prefix, best)
}

// nearestName is the setting, or its negation, that a name is most like; empty if it is
// like none.
func nearestName(name string, negations bool) (best string) {
	const far = 4 // letters to change: three are two slips of the hand and one more
	if len(name) > 64 {
		return ""
	}
	distance := far
	for i := range All {
		for j, known := range []string{All[i].Name, All[i].Negation()} {
			// Of a short name little may be changed, or anything is near.
			if d := changes(name, known); d < distance && d*2 < len(known) && (j == 0 || negations) {
				best, distance = known, d
			}
		}
	}
	return best
}

// changes is how many bytes must be inserted, removed or replaced to make b of a.
func changes(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			n := diagonal
			if a[i] != b[j] {
				n = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], n
		}
	}
	return row[len(b)]
}
