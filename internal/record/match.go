// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import "strings"

// Match finds the jobs of modules in the link before, nil for those that it did
// not have, and for all if l is nil. An archive member is the same one though
// its offset has moved; the k-th of several modules of one name is the k-th.
func (l *Link) Match(modules []string) []*Job {
	found := make([]*Job, len(modules))
	if l == nil {
		return found
	}
	names := newQueues(len(l.Jobs), func(i int) string { return l.Jobs[i].Module })
	for i, module := range modules {
		if job := names.pop(module); job >= 0 {
			found[i] = &l.Jobs[job]
		}
	}
	return found
}

// queues finds the places of equal names in order.
type queues struct {
	first map[string]int
	next  []int // of the same name, or -1
}

// newQueues takes n names. Names of archive members that differ in their
// offsets are equal.
func newQueues(n int, name func(int) string) queues {
	q := queues{make(map[string]int, n), make([]int, n)}
	for i := n - 1; i >= 0; i-- {
		stem := withoutOffset(name(i))
		q.next[i] = -1
		if later, ok := q.first[stem]; ok {
			q.next[i] = later
		}
		q.first[stem] = i
	}
	return q
}

// pop gives the first place of a name that was not given yet, or -1.
func (q queues) pop(name string) int {
	stem := withoutOffset(name)
	i, ok := q.first[stem]
	if !ok {
		return -1
	}
	if i >= 0 {
		q.first[stem] = q.next[i]
	}
	return i
}

// withoutOffset takes " at 86)" off "libx.a(m.o at 86)": an offset moves
// whenever an earlier member grows.
func withoutOffset(id string) string {
	at := strings.LastIndex(id, " at ")
	if at < 0 || !strings.HasSuffix(id, ")") || !isNumber(id[at+len(" at "):len(id)-1]) {
		return id
	}
	return id[:at]
}

// Readable is an id without its offset, for people.
func Readable(id string) string {
	if stem := withoutOffset(id); stem != id {
		return stem + ")"
	}
	return id
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
