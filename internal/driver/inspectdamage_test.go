// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/thinlto"
)

// inspectBytes looks at bytes as if they were a file, and prints what was found.
func inspectBytes(t testing.TB, name string, b []byte) {
	i := &inspector{ctx: context.Background(), settings: &settings.Settings{CacheDir: "/nonexistent"}, left: maxRead}
	found := i.file(&source{&counter{i, bytes.NewReader(b)}, name, name, int64(len(b))})
	if err := writeJSON(io.Discard, found); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	found.print(&text)
	for _, r := range text.String() {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Fatalf("%#x is printed: %q", r, text.String())
		}
	}
	if found.Kind == "" || found.What == "" {
		t.Fatalf("nothing is said: %+v", found)
	}
}

// ownFiles are files of this program's own formats.
func ownFiles(t testing.TB) map[string][]byte {
	folder := t.TempDir()
	store := cas.Open(folder, cas.Options{})
	defer store.Close()
	key := cas.ActionKey(cas.DigestOf([]byte("key")))
	if err := store.Publish(context.Background(), key, cas.Result{Outputs: []cas.Output{{Name: "o", Digest: cas.DigestOf(nil)}}}); err != nil {
		t.Fatal(err)
	}
	_, result := cas.EntryPaths(folder, key.Hash)
	link := record.Link{Output: "/p", Jobs: []record.Job{{Module: "a.o"}}}
	if err := link.Save(folder); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"events": []byte(`{"event":"start","at":0,"link":"x","schema":1}` + "\n"), "a.imports": []byte("b.o\n")}
	records, _ := filepath.Glob(filepath.Join(folder, "*.link"))
	for name, path := range map[string]string{"result": result, "record": records[0]} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = b
	}
	var b bytes.Buffer
	m := thinlto.Map{LLVM: 19, Jobs: []thinlto.MapJob{{Module: "a.o", Index: "i", Object: "o", Imports: []string{"b.o"}}}}
	if _, err := m.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	files["map"] = bytes.Clone(b.Bytes())
	b.Reset()
	jobs := thinlto.JobFile{Output: "p", Args: []string{"clang"}, Jobs: []thinlto.Job{{Args: []string{"-c"}, Inputs: []string{"a.o", "i"}, Outputs: []string{"o"}}}}
	if _, err := jobs.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	files["jobs.json"] = b.Bytes()
	return files
}

// realFiles are files of LLVM's and of our own.
func realFiles(t testing.TB, version string) map[string][]byte {
	files := ownFiles(t)
	folder := thinLink(t, version)
	for _, name := range []string{"a.o", "b.o", "lib.a", "thin.a", "out/a.o.thinlto.bc"} {
		b, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = b
	}
	return files
}

// Files that were cut or have wrong bytes are said to be what they still are.
func TestInspectDamaged(t *testing.T) {
	for _, version := range inspectVersions {
		random := rand.New(rand.NewPCG(1, 2))
		for name, whole := range realFiles(t, version) {
			for n := range min(len(whole), 200) {
				inspectBytes(t, name, whole[:n*len(whole)/200])
			}
			for range 300 {
				b := bytes.Clone(whole)
				for range 1 + random.IntN(4) {
					b[random.IntN(len(b))] ^= byte(1 << random.IntN(8))
				}
				inspectBytes(t, name, b)
			}
		}
	}
}

func FuzzInspect(f *testing.F) {
	for _, b := range realFiles(f, "22") {
		f.Add(b)
	}
	f.Add([]byte("BC\xc0\xde"))
	f.Add([]byte("!<arch>\n//                                              4         `\na/\n\n"))
	f.Add([]byte("!<thin>\n/dev/zero/      0           0     0     644     4         `\n"))
	f.Fuzz(func(t *testing.T, b []byte) { inspectBytes(t, "out/a.o.thinlto.bc", b) })
}

// A file can be made huge for nothing. Looking at one takes neither much time nor memory.
func TestInspectHuge(t *testing.T) {
	const huge = 1 << 40
	header := func(name string, size int) string {
		return fmt.Sprintf("%-16s%-12d%-6d%-6d%-8d%-10d`\n", name, 0, 0, 0, 644, size)
	}
	folder := t.TempDir()
	for name, head := range map[string]string{
		"bitcode": "BC\xc0\xde", "object": "\x7fELF\x02\x01\x01", "archive": "!<arch>\n", "json": "{", "map": "#dtlto {\"version\":1}\n", "plain": "a=b\n",
		"record": "dtlto link 4\n", "result": "dtlto result 1\n", "events": `{"event":`, "a.imports": "b.o\n", "zeros": "",
		"names": "!<arch>\n" + header("//", 9_999_999_999), "member": "!<arch>\n" + header("a.o/", 9_999_999_999) + "BC\xc0\xde",
	} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(head), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, huge); err != nil {
			t.Skipf("NOT TESTED: no sparse files here: %v", err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		found, _ := inspected(t, &settings.Settings{CacheDir: folder}, path)
		runtime.ReadMemStats(&after)
		if took, took2 := time.Since(start), after.TotalAlloc-before.TotalAlloc; took > 10*time.Second || took2 > 300<<20 {
			t.Errorf("%s: %s and %d bytes", name, took, took2)
		}
		if found.Kind == "" || found.Problem == "" && !strings.Contains("zeros events plain member object", name) {
			t.Errorf("%s: %+v", name, found)
		}
	}
}
