// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command sbom writes the bill of materials of a program: the Go modules that are linked
// into it, as the program itself has them on record, in CycloneDX's JSON. The same
// program gives the same bytes.
//
//	go run ./packaging/sbom PROGRAM FILE
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

func main() {
	if err := write(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func write(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("needs a program and a file to write, got %d arguments", len(args))
	}
	content, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	info, err := buildinfo.ReadFile(args[0])
	if err != nil {
		return fmt.Errorf("%s: is no program of Go: %w", args[0], err)
	}
	digest := sha256.Sum256(content)
	text, err := json.Marshal(billOf(filepath.Base(args[0]), hex.EncodeToString(digest[:]), info), jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	return os.WriteFile(args[1], append(text, '\n'), 0o644)
}
