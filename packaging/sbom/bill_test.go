// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// The test's own program has modules on record, as any Go program has.
func TestBillOfAProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	first, second := filepath.Join(t.TempDir(), "a.json"), filepath.Join(t.TempDir(), "b.json")
	for _, file := range []string{first, second} {
		if err := write([]string{self, file}); err != nil {
			t.Fatal(err)
		}
	}
	text, _ := os.ReadFile(first)
	if again, _ := os.ReadFile(second); string(again) != string(text) {
		t.Error("the same program gave another bill")
	}
	var b bill
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	if b.Format != "CycloneDX" || b.Metadata.Component.Name != filepath.Base(self) || len(b.Metadata.Component.Hashes) != 1 {
		t.Errorf("the head is %+v", b)
	}
	if !strings.Contains(string(text), `"pkg:golang/github.com/go-json-experiment/json@v`) || b.Components[0].Name != "std" {
		t.Errorf("not all modules are there: %s", text)
	}
	if len(b.Dependencies) != len(b.Components)+1 || len(b.Dependencies[0].DependsOn) != len(b.Components) {
		t.Errorf("%d components have %d dependencies", len(b.Components), len(b.Dependencies))
	}
}

func TestBillIsOfTheModuleThatWasLinked(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Path: "example.com/Prog", Version: "v1.0.0+dirty"},
		Deps:     []*debug.Module{{Path: "example.com/a", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/b", Version: "v2.0.0"}}},
		Settings: []debug.BuildSetting{{Key: "vcs.time", Value: "2026-11-22T02:00:00Z"}}}
	b := billOf("prog", strings.Repeat("0123456789abcdef", 4), info)
	if b.Components[1].URL != "pkg:golang/example.com/b@v2.0.0" {
		t.Errorf("the replaced module is %+v", b.Components[1])
	}
	if b.Metadata.Component.URL != "pkg:golang/example.com/prog@v1.0.0%2Bdirty" || b.Metadata.Timestamp != "2026-11-22T02:00:00Z" {
		t.Errorf("the program is %+v", b.Metadata)
	}
	if !regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(b.Serial) {
		t.Errorf("%s: is no UUID", b.Serial)
	}
}

func TestNoBill(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	_ = os.WriteFile(text, []byte("#!/bin/sh\n"), 0o600)
	for _, args := range [][]string{nil, {text}, {text, text + ".json"}, {text + ".missing", text + ".json"}} {
		if err := write(args); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
