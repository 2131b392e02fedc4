// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import "slices"

// numbers hands out the lowest number from 0 that is free.
type numbers struct {
	used  []bool
	taken int
}

func (n *numbers) take() int {
	n.taken++
	i := slices.Index(n.used, false)
	if i < 0 {
		i = len(n.used)
		n.used = append(n.used, false)
	}
	n.used[i] = true
	return i
}

func (n *numbers) leave(i int) {
	n.taken--
	n.used[i] = false
}
