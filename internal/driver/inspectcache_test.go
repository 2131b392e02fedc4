// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/llvmtest"
	"github.com/dtlto/dtlto/internal/record"
	"github.com/dtlto/dtlto/internal/report"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/thinlto"
)

func TestInspectCacheEntries(t *testing.T) {
	s := settings.Default()
	s.CacheDir = t.TempDir()
	folder := t.TempDir()
	llvmtest.Write(t, folder, "o.o", "an object\n")
	store := cas.Open(storeFolder(s.CacheDir), cas.Options{})
	defer store.Close()
	key := cas.ActionKey(cas.DigestOf([]byte("an action")))
	result := cas.Result{Duration: 1500 * time.Millisecond, Messages: []byte("warning: \x1b[31mred\n")}
	if _, err := cas.Keep(context.Background(), store, key, []cas.Place{{Name: "output0.o", Path: filepath.Join(folder, "o.o")}}, result); err != nil {
		t.Fatal(err)
	}
	object := cas.DigestOf([]byte("an object\n"))
	blob, _ := cas.EntryPaths(storeFolder(s.CacheDir), object.Hash)
	_, path := cas.EntryPaths(storeFolder(s.CacheDir), key.Hash)
	for _, name := range []string{key.String(), strings.Split(key.String(), "/")[0], path} {
		found, text := inspected(t, s, name)
		r := found.Result
		if r == nil || r.Action != key.String() || r.Took != report.Seconds(1500*time.Millisecond) || !found.Entry.Good ||
			len(r.Outputs) != 1 || r.Outputs[0] != (outputFacts{"output0.o", object.String(), true}) {
			t.Errorf("%s: %+v", name, found)
		}
		wants(t, text, "took       1.500 s", "output0.o: "+object.String()+"\n", `"warning: \x1b[31mred"`)
	}
	found, text := inspected(t, s, object.String())
	if found.File != blob || found.Entry == nil || *found.Entry != (entryFacts{"blob", object.String(), true}) || found.Problem != "" {
		t.Errorf("%+v", found)
	}
	wants(t, text, "cache      blob "+object.String()+", good")
	damageBlob(t, s, blob, key.String())
}

func damageBlob(t *testing.T, s *settings.Settings, blob, key string) {
	if err := os.Chmod(blob, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(blob, []byte("another object\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	found, text := inspected(t, s, blob)
	if found.Entry.Good {
		t.Errorf("%+v", found)
	}
	wants(t, text, "damaged", "dtlto cache verify")
	if err := os.Remove(blob); err != nil {
		t.Fatal(err)
	}
	found, text = inspected(t, s, key)
	if found.Result.Outputs[0].There {
		t.Errorf("%+v", found.Result)
	}
	wants(t, text, "not in this cache")
}

func TestInspectRecord(t *testing.T) {
	s := settings.Default()
	s.CacheDir = t.TempDir()
	folder := t.TempDir()
	llvmtest.Write(t, folder, "a.c", "int main(void) { return 0; }\n")
	llvmtest.Run(t, folder, "clang-22", "a.c", "-o", "program")
	program := filepath.Join(folder, "program")
	link := &record.Link{
		Output: program, Folder: folder, Started: time.Now().UTC(), Wall: time.Second, Compiler: "/usr/bin/clang",
		Jobs: []record.Job{
			{Module: "a.o", Outcome: record.Cached}, {Module: "b.o", Outcome: record.Compiled, Duration: time.Second},
			{Module: "libx.a(c.o at 86)", Outcome: record.Compiled, Duration: 2 * time.Second},
		},
	}
	if err := link.Save(recordFolder(s.CacheDir)); err != nil {
		t.Fatal(err)
	}
	saved, err := filepath.Glob(filepath.Join(recordFolder(s.CacheDir), "*"))
	if err != nil || len(saved) != 1 {
		t.Fatal(saved, err)
	}
	for _, name := range []string{saved[0], program} {
		found, text := inspected(t, s, name)
		l := found.Link
		if l == nil || l.Output != program || l.Jobs != 3 || l.Outcomes["cached"] != 1 || l.Outcomes["compiled"] != 2 || l.Slowest != "libx.a(c.o)" {
			t.Errorf("%s: %+v", name, found)
		}
		wants(t, text, "3: 1 cached, 2 compiled", "slowest    libx.a(c.o), 2.000 s", "dtlto explain "+program)
	}
}

func TestInspectEvents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	var b bytes.Buffer
	for _, id := range []string{"one", "two"} {
		lines := report.NewJSONLines(&b, id)
		lines.Take(0, &report.Start{Schema: report.SchemaVersion, Output: "/p" + id, Tool: "dtlto 1", Time: time.Now()})
		lines.Take(1, &report.Job{Job: 1, Module: "a.o", Outcome: report.Cached})
		if id == "one" {
			lines.Take(2, &report.End{Output: "/p", Wall: report.Seconds(time.Second)})
		}
	}
	b.WriteString("{\"event\":\n")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	found, text := inspected(t, settings.Default(), path)
	e := found.Events
	if e == nil || e.Links != 2 || e.Running != 1 || e.Damaged != 1 || e.Kinds["job"] != 2 || e.Last.Output != "/ptwo" || e.Schema != report.SchemaVersion || e.Lines != 6 {
		t.Errorf("%+v", found)
	}
	wants(t, text, "2, of which 1 have not ended", "1 end, 2 job, 2 start", "1 lines are no events")
}

func TestInspectTexts(t *testing.T) {
	folder := t.TempDir()
	var m bytes.Buffer
	full := thinlto.Map{LLVM: 19, Options: []string{"--pie"}, Entries: []thinlto.MapEntry{{From: "a.o", To: "n/a.o"}},
		Jobs: []thinlto.MapJob{{Module: "a.o", Index: "n/a.o.thinlto.bc", Object: "n/a.o", Unused: true}}}
	if _, err := full.WriteTo(&m); err != nil {
		t.Fatal(err)
	}
	llvmtest.Write(t, folder, "map", m.String(), "plain", "a.o=b.o\nc.o=d.o\n", "empty", "", "script", "INPUT(a.o)\n", "makefile", "A=b\nall: c\n",
		"trace", `{"traceEvents":[]}`, "other.json", `{"a":1}`, "binary", "\x00\x01\x02", "x.imports", "a\x1b[2Jb\n", "cut", m.String()[:m.Len()-5])
	for name, want := range map[string][2]string{
		"map": {"map", "1 backend compiles, 1 of them for modules that the link does not use"}, "plain": {"map", "2 inputs to replace"},
		"empty": {"empty", "as an index shard"}, "script": {"unknown", "text that is nothing of a distributed link"},
		"makefile": {"unknown", "text that is nothing"}, "trace": {"trace", "perfetto"}, "other.json": {"json", "JSON that is no job file"},
		"binary": {"unknown", "nothing that is known here"}, "x.imports": {"imports", `import     "a\x1b[2Jb"`}, "cut": {"map", "problem"},
	} {
		found, text := inspected(t, settings.Default(), filepath.Join(folder, name))
		if found.Kind != want[0] {
			t.Errorf("%s: %+v", name, found)
		}
		wants(t, text, want[1])
	}
}

// What cannot be looked at is an error of usage, and nothing waits for it.
func TestInspectErrors(t *testing.T) {
	s := settings.Default()
	s.CacheDir = t.TempDir()
	folder := t.TempDir()
	llvmtest.Write(t, folder, "lib.a", "!<arch>\n")
	for name, want := range map[string]string{
		filepath.Join(folder, "none"): "no such file", folder: "a folder", os.DevNull: "not a regular file",
		filepath.Join(folder, "lib.a(x.o)"): "no such member", filepath.Join(folder, "none.a(x.o)"): "no such file",
		strings.Repeat("0", 64): "neither a file nor in the cache", strings.Repeat("0", 64) + "/x": "not a directory|no such file",
	} {
		err := Inspect(context.Background(), s, name, false, new(bytes.Buffer))
		var usage *UsageError
		if !errors.As(err, &usage) || !hasOne(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Inspect(ctx, s, filepath.Join(folder, "lib.a"), false, new(bytes.Buffer)); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func hasOne(text, parts string) bool {
	for part := range strings.SplitSeq(parts, "|") {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
