// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
)

// link is the claim of a running link on the entries that it uses: a locked file
// whose time of modification is when the link began. Prune leaves alone what
// was used since then by the oldest of them. Without the file (a read-only
// folder, no locks) an entry may go between looking up a result and fetching its
// blob: a miss.
type link struct {
	mutex sync.Mutex
	begun sync.Once
	file  *os.File
}

// begin claims, once, before anything is looked up.
func (d *Disk) begin() { d.link.begun.Do(d.claim) }

func (d *Disk) claim() {
	d.link.mutex.Lock()
	defer d.link.mutex.Unlock()
	for range 10 { // a prune may have taken the new file for a dead link's
		path := d.in(linksFolder, fmt.Sprintf("%016x", rand.Uint64()))
		err := d.withLayout(func() (err error) {
			d.link.file, err = tryLockFile(path)
			return err
		})
		if err != nil || d.link.file != nil {
			return
		}
	}
}

func (l *link) end() {
	l.begun.Do(func() {}) // no claim after the end
	l.mutex.Lock()
	defer l.mutex.Unlock()
	unlockFile(l.file)
	l.file = nil
}
