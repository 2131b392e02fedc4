// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/cas/castest"
)

// empty is the SHA-256 of nothing, from FIPS 180-4's examples.
const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestDigest(t *testing.T) {
	if got := cas.DigestOf(nil).String(); got != empty+"/0" {
		t.Error(got)
	}
	data := castest.Blob(1, 1<<20+3)
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	got, err := cas.DigestOfFile(path)
	if err != nil || got != cas.DigestOf(data) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := cas.DigestOfFile(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := cas.DigestOfReader(iotest.ErrReader(os.ErrClosed)); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

func TestParseDigest(t *testing.T) {
	for _, d := range []cas.Digest{{}, cas.DigestOf(nil), cas.DigestOf([]byte("abc")), {Size: 1<<63 - 1}} {
		if got, err := cas.ParseDigest(d.String()); err != nil || got != d {
			t.Errorf("%v: %v, %v", d, got, err)
		}
	}
	for _, s := range []string{
		"", "/", empty, empty + "/", "/0", empty + "/-1", empty + "/+1", empty + "/00", empty + "/0 ", empty + "/0x1",
		empty + "/9223372036854775808", empty[1:] + "/0", "0" + empty + "/0", strings.ToUpper(empty) + "/0", "g" + empty[1:] + "/0", empty + "/0/0",
	} {
		if got, err := cas.ParseDigest(s); err == nil {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func FuzzParseDigest(f *testing.F) {
	f.Add(empty + "/0")
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := cas.ParseDigest(s); err == nil && d.String() != s {
			t.Errorf("%q became %v", s, d)
		}
	})
}
