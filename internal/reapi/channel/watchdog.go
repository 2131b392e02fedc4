// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"context"
	"time"
)

// watchdog ends a try that makes no progress.
type watchdog struct {
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

// watchdogKey is where a try's context has its watchdog.
type watchdogKey struct{}

// watch gives a try its context.
func watch(ctx context.Context, limit time.Duration) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{limit: limit, cancel: cancel}
	w.timer = time.AfterFunc(limit, func() { cancel(errSilence) })
	return context.WithValue(ctx, watchdogKey{}, w), w
}

// end ends a try, and the streams that it left open.
func (w *watchdog) end() {
	w.timer.Stop()
	w.cancel(context.Canceled)
}

// Progress says that the try of Do that ctx belongs to is getting on: its time
// begins anew. Streams of large blobs call it for every message.
func Progress(ctx context.Context) {
	if w, ok := ctx.Value(watchdogKey{}).(*watchdog); ok && w.timer.Stop() {
		w.timer.Reset(w.limit)
	}
}
