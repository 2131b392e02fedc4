// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"sync"
	"time"
)

// Sink takes events, one at a time, in the order in which they happened. at is the time
// since the link's start. It keeps an event no longer than the call unless it copies it.
type Sink interface{ Take(at Seconds, e Event) }

// Log hands the events of a link to sinks. A nil Log has none.
type Log struct {
	started time.Time
	mu      sync.Mutex
	sinks   []Sink
}

// NewLog makes the log of a link that began at a time; nil if there are no sinks.
func NewLog(started time.Time, sinks ...Sink) *Log {
	if len(sinks) == 0 {
		return nil
	}
	return &Log{started: started, sinks: sinks}
}

// Add hands an event to the sinks. Whoever makes events that cost something asks first
// whether the log is nil.
func (l *Log) Add(e Event) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at := Seconds(time.Since(l.started))
	for _, sink := range l.sinks {
		sink.Take(at, e)
	}
}
