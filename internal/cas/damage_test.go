// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package cas_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/cas/castest"
)

// filled is a store in folder that knows one action with one output.
type filled struct {
	*cas.Disk
	folder string
	data   []byte
	digest cas.Digest
	key    cas.ActionKey
}

func fill(t testing.TB, size int, options cas.Options) filled {
	f := filled{folder: t.TempDir(), data: castest.Blob(1, size), key: castest.Key(1)}
	f.Disk = open(t, f.folder, options)
	f.digest = castest.Put(t, f, f.data)
	f.publish(t)
	return f
}

func (f filled) publish(t testing.TB) {
	r := cas.Result{Messages: []byte("warning\n"), Outputs: []cas.Output{{Name: "o", Digest: f.digest}}}
	if err := f.Publish(t.Context(), f.key, r); err != nil {
		t.Fatal(err)
	}
}

// entries are the paths of all entries with the ending.
func (f filled) entries(t testing.TB, ending string) []string {
	paths, err := filepath.Glob(filepath.Join(f.folder, "v1", "??", "*"+ending))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no entries %q: %v", ending, err)
	}
	return paths
}

// restore must miss or be right; it says which.
func (f filled) restore(t testing.TB) (hit bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "o")
	_, err := cas.Restore(t.Context(), f, f.key, []cas.Place{{Name: "o", Path: path}})
	if err != nil {
		castest.WantMiss(t, err, cas.Absent, cas.Corrupt, cas.OtherVersion)
		if _, err := os.Lstat(path); err == nil {
			t.Fatal("a miss left an output")
		}
		return false
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, f.data) {
		t.Fatalf("wrong contents served, %v", err)
	}
	return true
}

// overwrite writes an entry's file anew, whatever its mode.
func overwrite(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o444); err != nil {
		t.Fatal(err)
	}
}

func damages(data []byte) [][]byte {
	var all [][]byte
	for at := range data {
		for bit := range 8 {
			b := bytes.Clone(data)
			b[at] ^= 1 << bit
			all = append(all, b)
		}
	}
	for _, n := range []int{0, 1, len(data) / 2, len(data) - 1} {
		all = append(all, data[:n], append(bytes.Clone(data[:n]), make([]byte, len(data)-n)...))
	}
	return append(all, append(bytes.Clone(data), 0))
}

// Every flipped bit and every truncation of every file that the store reads is
// a miss, the bad file is gone, and publishing again heals.
func TestDamage(t *testing.T) {
	f := fill(t, 200, cas.Options{})
	for _, path := range slices.Concat(f.entries(t, ".b"), f.entries(t, ".r")) {
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range damages(good) {
			if bytes.Equal(bad, good) {
				continue // zeros instead of zeros
			}
			overwrite(t, path, bad)
			if f.restore(t) {
				t.Fatalf("%s: damage was not seen", path)
			}
			if _, err := os.Lstat(path); !os.IsNotExist(err) {
				t.Fatalf("%s: not removed, %v", path, err)
			}
		}
		overwrite(t, path, good)
		if !f.restore(t) {
			t.Fatalf("%s: missed when whole again", path)
		}
	}
}

// Large blobs take another way through the store.
func TestDamageOfLargeBlobs(t *testing.T) {
	for _, size := range []int{300 << 10, 5 << 20} {
		for _, links := range []bool{false, true} {
			f := fill(t, size, cas.Options{HardLinks: links})
			path := f.entries(t, ".b")[0]
			for _, at := range []int{0, size / 2, size - 1} {
				bad := bytes.Clone(f.data)
				bad[at] ^= 0x10
				for _, bad := range [][]byte{bad, bad[:at], append(bytes.Clone(f.data), 1)} {
					overwrite(t, path, bad)
					if f.restore(t) {
						t.Fatalf("size %d, damage at %d: not seen", size, at)
					}
					castest.Put(t, f, f.data)
					if !f.restore(t) {
						t.Fatalf("size %d, damage at %d: not healed", size, at)
					}
				}
			}
		}
	}
}

// The ledger, the locks and the notes have nothing to do with what is served.
func TestDamageOfOtherFiles(t *testing.T) {
	f := fill(t, 5000, cas.Options{MaxBytes: 1 << 20})
	if err := f.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README", "CACHEDIR.TAG", "v1/ledger"} {
		path := filepath.Join(f.folder, filepath.FromSlash(name))
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range damages(good)[:16] {
			overwrite(t, path, bad)
			if err := f.Tidy(t.Context()); err != nil || !f.restore(t) {
				t.Fatalf("%s: missed, %v", name, err)
			}
		}
	}
}

func TestResultOfAnotherVersion(t *testing.T) {
	f := fill(t, 10, cas.Options{})
	path := f.entries(t, ".r")[0]
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Replace(good[:len(good)-32], []byte("result 1\n"), []byte("result 2\n"), 1)
	sum := cas.DigestOf(body).Hash
	overwrite(t, path, append(body, sum[:]...))
	_, err = f.Result(t.Context(), f.key)
	castest.WantMiss(t, err, cas.OtherVersion)
	f.publish(t)
	if !f.restore(t) {
		t.Error("not replaced by ours")
	}
}

// What is in an entry's place and is no file is neither followed nor waited for.
func TestOddEntries(t *testing.T) {
	for _, ending := range []string{".b", ".r"} {
		f := fill(t, 10, cas.Options{})
		path := f.entries(t, ending)[0]
		elsewhere := filepath.Join(t.TempDir(), "elsewhere")
		if err := os.Rename(path, elsewhere); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(elsewhere, path); err != nil {
			t.Fatal(err)
		}
		_, err := cas.Restore(t.Context(), f, f.key, []cas.Place{{Name: "o", Path: filepath.Join(t.TempDir(), "o")}})
		castest.WantMiss(t, err, cas.Unreadable)
		castest.Put(t, f, f.data)
		f.publish(t)
		if !f.restore(t) {
			t.Error("a link in an entry's place was not replaced")
		}
	}
}

func TestVerify(t *testing.T) {
	f := fill(t, 5000, cas.Options{})
	for seed := range 20 {
		digest := castest.Put(t, f, castest.Blob(seed+2, 100+seed))
		r := cas.Result{Outputs: []cas.Output{{Name: "o", Digest: digest}}}
		if err := f.Publish(t.Context(), castest.Key(seed+2), r); err != nil {
			t.Fatal(err)
		}
	}
	report, err := f.Verify(t.Context())
	if err != nil || len(report.Bad) != 0 || report.Blobs != 21 || report.Results != 21 {
		t.Fatalf("%+v, %v", report, err)
	}
	blobs, results := f.entries(t, ".b"), f.entries(t, ".r")
	overwrite(t, blobs[3], []byte("x"))
	overwrite(t, results[4], []byte("x"))
	swapped, err := os.ReadFile(results[5])
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, results[6], swapped)
	report, err = f.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string]string{}
	for _, b := range report.Bad {
		bad[b.Path] = b.Err.Error()
	}
	if bad[blobs[3]] != "contents differ" || bad[results[4]] != "not a result" || bad[results[6]] != "of another action" {
		t.Errorf("found %q", bad)
	}
	// The result of blob 3's action, unless it was one of the two.
	if n := len(bad); n < 3 || n > 4 || report.Blobs != 20 || report.Results != 21-(n-1) {
		t.Errorf("%+v", report)
	}
	if n := len(bad); n == 4 && !strings.Contains(strings.Join(slices.Collect(maps.Values(bad)), "\n"), "is missing") {
		t.Errorf("found %q", bad)
	}
	for path := range bad {
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("%s: not removed, %v", path, err)
		}
	}
	if report, err = f.Verify(t.Context()); err != nil || len(report.Bad) != 0 {
		t.Errorf("a second time: %+v, %v", report, err)
	}
}
