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
func nearestName(name string, negations bool) string {
	var known []string
	for i := range All {
		known = append(known, All[i].Name)
		if negation := All[i].Negation(); negations && negation != "" {
			known = append(known, negation)
		}
	}
	return Nearest(name, known)
}

// Nearest is the one of the known names that a name is most like; empty if it is like
// none.
func Nearest(name string, known []string) (best string) {
	const far = 4 // letters to change: three are two slips of the hand and one more
	if len(name) > 64 {
		return ""
	}
	distance := far
	for _, k := range known {
		// Of a short name little may be changed, or anything is near.
		if d := changes(name, k); d < distance && d*2 < len(k) {
			best, distance = k, d
		}
	}
	return best
}

// changes is how many bytes must be inserted, removed, replaced or swapped with the next
// to make b of a.
func changes(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1) // of two bytes less of a, and one
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			switch {
			case a[i] == b[j]:
				next[j+1] = row[j]
			case i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j]:
				next[j+1] = 1 + min(row[j], row[j+1], next[j], before[j-1])
			default:
				next[j+1] = 1 + min(row[j], row[j+1], next[j])
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
