// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas_test

import (
	"path/filepath"
	"testing"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/cas/castest"
)

// open gives a store whose warnings fail the test.
func open(t testing.TB, folder string, options cas.Options) *cas.Disk {
	if options.Warn == nil {
		options.Warn = func(err error) { t.Error(err) }
	}
	d := cas.Open(folder, options)
	t.Cleanup(d.Close)
	return d
}

func TestDisk(t *testing.T) {
	castest.Run(t, func(t *testing.T) cas.Store {
		return open(t, filepath.Join(t.TempDir(), "new", "cache"), cas.Options{})
	})
}

func TestDiskWithHardLinks(t *testing.T) {
	castest.Run(t, func(t *testing.T) cas.Store {
		return open(t, t.TempDir(), cas.Options{HardLinks: true})
	})
}
