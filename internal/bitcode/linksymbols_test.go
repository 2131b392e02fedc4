// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

const visibleSource = `
__attribute__((visibility("hidden"))) int declared_hidden(void);
__attribute__((visibility("protected"))) int defined_protected(void) { return 1; }
__attribute__((visibility("hidden"), weak)) int defined_hidden = 2;
int declared(void);
static int local(void) { return declared() + declared_hidden(); }
int defined(void) { return local() + defined_hidden; }
`

func linkSymbols(file []byte) ([]string, error) {
	var found []string
	err := EachLinkSymbol(bytes.NewReader(file), int64(len(file)), func(s LinkSymbol) {
		found = append(found, fmt.Sprintf("%s %d %v", s.Name, s.Visibility, s.Undefined))
	})
	slices.Sort(found)
	return found, err
}

func TestLinkSymbols(t *testing.T) {
	const want = "declared 0 true, declared_hidden 1 true, defined 0 false, defined_hidden 1 false, defined_protected 2 false"
	for _, version := range llvmtest.Versions {
		for _, flags := range []string{"-flto=thin", "-flto=full", "-flto=thin -fsplit-lto-unit -g"} {
			folder := t.TempDir()
			llvmtest.Write(t, folder, "a.c", visibleSource)
			llvmtest.Run(t, folder, "clang-"+version, append(strings.Fields(flags), "-O2", "-fPIC", "-c", "a.c")...)
			file, err := os.ReadFile(filepath.Join(folder, "a.o"))
			if err != nil {
				t.Fatal(err)
			}
			if found, err := linkSymbols(file); err != nil || strings.Join(found, ", ") != want {
				t.Errorf("LLVM %s %s: %q, %v", version, flags, found, err)
			}
			for n := range file { // no panic; an error unless only what follows the tables is gone
				if n%7 == 0 {
					_, _ = linkSymbols(file[:n])
				}
			}
		}
	}
}

func FuzzLinkSymbols(f *testing.F) {
	f.Add(make([]byte, 80), []byte("names"))
	f.Add([]byte(strings.Repeat("\x03\x00\x00\x00", 40)), []byte("names"))
	f.Fuzz(func(_ *testing.T, table, names []byte) {
		_ = eachLinkSymbol(table, names, func(s LinkSymbol) { _ = len(s.Name) })
	})
}
