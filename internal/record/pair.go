// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import "github.com/dtlto/dtlto/internal/cas"

// pairs say which inputs of two actions are the same ones: the place of each in
// the other action, or -1.
type pairs struct {
	ofBefore, ofAfter []int
}

// pair finds the same inputs: those of one name, the k-th of several being the
// k-th, and of what is left those with the same contents, which were renamed.
func pair(before, after []*Input) pairs {
	p := pairs{unpaired(len(before)), unpaired(len(after))}
	names := newQueues(len(before), func(i int) string { return before[i].Path })
	for i, in := range after {
		if k := names.pop(in.Path); k >= 0 {
			p.ofAfter[i], p.ofBefore[k] = k, i
		}
	}
	left := map[cas.Digest][]int{}
	for k, in := range before {
		if p.ofBefore[k] < 0 {
			left[in.Digest] = append(left[in.Digest], k)
		}
	}
	for i, in := range after {
		if same := left[in.Digest]; p.ofAfter[i] < 0 && len(same) > 0 {
			p.ofAfter[i], p.ofBefore[same[0]] = same[0], i
			left[in.Digest] = same[1:]
		}
	}
	return p
}

func unpaired(n int) []int {
	places := make([]int, n)
	for i := range places {
		places[i] = -1
	}
	return places
}

// match makes a pair of two that are the same one for another reason, if there
// are such.
func (p pairs) match(before, after int) {
	if before >= len(p.ofBefore) || after >= len(p.ofAfter) || p.ofBefore[before] == after {
		return
	}
	if i := p.ofBefore[before]; i >= 0 {
		p.ofAfter[i] = -1
	}
	if k := p.ofAfter[after]; k >= 0 {
		p.ofBefore[k] = -1
	}
	p.ofBefore[before], p.ofAfter[after] = after, before
}

// moved says whether the pairs are in another order after than before.
func (p pairs) moved() bool {
	last := -1
	for _, k := range p.ofAfter {
		if k >= 0 && k < last {
			return true
		}
		last = max(last, k)
	}
	return false
}
