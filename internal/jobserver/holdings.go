// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package jobserver

import "sync"

// holdings are tokens that are not given back yet.
type holdings struct {
	mu    sync.Mutex
	added int
	back  map[int]func()
}

// add notes a token that is given back by a function. release calls it, once.
func (h *holdings) add(back func()) (release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	number := h.added
	h.added++
	if h.back == nil {
		h.back = map[int]func(){}
	}
	h.back[number] = back
	return func() { h.release(number) }
}

func (h *holdings) release(number int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if back := h.back[number]; back != nil {
		delete(h.back, number)
		back()
	}
}

// releaseAll gives back every token. Their release does nothing any more.
func (h *holdings) releaseAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for number, back := range h.back {
		delete(h.back, number)
		back()
	}
}
