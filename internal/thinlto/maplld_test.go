// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// hardNames are what LLD must take for exactly these inputs.
var hardNames = []string{
	"plain.o", "dir/with space.o", "q?.o", "s*.o", "b[1].o", "b[", "]", "[]", "[!x].o", "[^x]", "[a-z].o", "{a,b}.o", "*{c,d}.o", "{", "?{", "}[",
	`back\slash.o`, `back\*.o`, `\`, `\\[`, "[\\]", "*\\", "#hash.o", "#*", " lead.o", "\ttab", "\v\f\rx", " ", "trail ", "é€.o", "\xff\xfe", "\xff[\x80]", "!", "^", "a-b?", "'\"$;&|<>`~%:,+()",
}

// Every hard name is mapped, and no name that it would match as a pattern.
func TestMapEscapesForLLD(t *testing.T) {
	var m Map
	for i, name := range hardNames {
		m.Entries = append(m.Entries, MapEntry{From: name, To: fmt.Sprintf("to %d.o", i)})
	}
	for _, major := range llvmtest.Versions {
		if major < "17" {
			continue // has no --remap-inputs-file
		}
		t.Run(major, func(t *testing.T) {
			folder := t.TempDir()
			clang, lld := llvmtest.Tool(t, "clang-"+major), llvmtest.Tool(t, "ld.lld-"+major)
			for i := range hardNames {
				llvmtest.Write(t, folder, "x.c", fmt.Sprintf("int symbol_%d;", i))
				llvmtest.Run(t, folder, clang, "-c", "x.c", "-o", m.Entries[i].To)
			}
			llvmtest.Write(t, folder, "map", writeMap(t, &m))
			link := append([]string{"-r", "-o", "out.o", "--remap-inputs-file=map"}, hardNames...)
			llvmtest.Run(t, folder, lld, link...)
			object, err := os.ReadFile(filepath.Join(folder, "out.o"))
			if err != nil {
				t.Fatal(err)
			}
			for i := range hardNames {
				if n := strings.Count(string(object), fmt.Sprintf("symbol_%d\x00", i)); n != 1 {
					t.Errorf("%q is in the link %d times", hardNames[i], n)
				}
			}
			wrong := []string{"qx.o", "sx.o", "b1.o", "bx", "x.o", "ax.o", "a", "b", "zc", "backslash.o", `back\xx.o`, "Xhash.o", "lead.o", "xlead.o", `\x\[`, "a.o", "{a,b}xo", "q?.o/../q?.o"}
			out, err := llvmtest.TryRun(t, folder, lld, append([]string{"-r", "-o", "no.o", "--error-limit=0", "--remap-inputs-file=map"}, wrong...)...)
			if err == nil {
				t.Error("names that are not in the map are linked")
			}
			for _, name := range wrong {
				if !strings.Contains(out, "cannot open "+name+":") {
					t.Errorf("%s is mapped:\n%s", name, out)
				}
			}
		})
	}
}

// What WriteTo refuses, LLD cannot take either, however it is written.
func TestLLDCannotTakeEqualsSigns(t *testing.T) {
	folder := t.TempDir()
	llvmtest.Write(t, folder, "x.c", "int x;", "map", "a[=]b.o=x.o\n")
	llvmtest.Run(t, folder, llvmtest.Tool(t, "clang-22"), "-c", "x.c", "-o", "x.o")
	out, err := llvmtest.TryRun(t, folder, llvmtest.Tool(t, "ld.lld-22"), "-r", "-o", "out.o", "--remap-inputs-file=map", "a=b.o")
	if err == nil || !strings.Contains(out, "parse error, not 'from-glob=to-file'") {
		t.Errorf("%v: %s", err, out)
	}
}
