// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"bytes"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// The ledger is an estimate of how large the store is, so that its files need
// not be counted after each link: a line with what the last count found and
// when, then a line for what each link added since. Lines may be lost, by
// processes that are killed or add to a ledger as it is replaced; the store is
// counted anew after recountAfter in any case.
const (
	ledgerLine   = "dtlto cache: %d bytes at %d\n" // seconds since 1970
	growthLine   = "+%d\n"
	maxLedger    = 64 << 10 // bytes; a longer one is due for a count
	recountAfter = 24 * time.Hour
	// recountPause keeps a store that cannot be made small enough, since
	// running links use it, from being counted after each of them.
	recountPause = time.Minute
	// flushAt is what a link adds before it says so.
	flushAt = 64 << 20
)

// growth is what this process added, in bytes on disk.
type growth struct {
	unsaid atomic.Int64
	any    atomic.Bool
}

func (d *Disk) grew(n int64) {
	d.grown.any.Store(true)
	if d.grown.unsaid.Add(n) >= flushAt {
		d.flushGrowth()
	}
}

func (d *Disk) flushGrowth() {
	n := d.grown.unsaid.Swap(0)
	if n == 0 {
		return
	}
	f, err := os.OpenFile(d.in(ledgerFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err == nil {
		_, _ = fmt.Fprintf(f, growthLine, n)
		_ = f.Close()
	}
}

// due says whether the store should be counted and made smaller.
func (d *Disk) due() bool {
	data, _, err := readEntry(d.in(ledgerFile), nil, maxLedger)
	total, counted, ok := readLedger(data)
	if err != nil || !ok {
		return true
	}
	age := d.options.Now().Sub(counted)
	if age < -recountPause || age > recountAfter {
		return true
	}
	return total > d.options.MaxBytes && age > recountPause
}

func readLedger(data []byte) (total int64, counted time.Time, ok bool) {
	head, lines, _ := bytes.Cut(data, []byte("\n"))
	var seconds int64
	if n, _ := fmt.Sscanf(string(head)+"\n", ledgerLine, &total, &seconds); n != 2 {
		return 0, time.Time{}, false
	}
	for line := range bytes.Lines(lines) {
		var added int64
		if n, _ := fmt.Sscanf(string(line), growthLine, &added); n == 1 {
			total += max(added, 0)
		}
	}
	return total, time.Unix(seconds, 0), total >= 0
}

func (d *Disk) writeLedger(total int64) error {
	f, err := createAside(d.in(tmpFolder), 0o666)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, ledgerLine, total, d.options.Now().Unix())
	return finish(f, d.in(ledgerFile), err)
}
