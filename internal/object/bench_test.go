// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package object

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// BenchmarkMembers walks an archive of a thousand members.
func BenchmarkMembers(b *testing.B) {
	dir := b.TempDir()
	files := make([]string, 1000)
	for i := range files {
		files[i] = fmt.Sprintf("a_member_with_a_long_name_%d.o", i)
		write(b, filepath.Join(dir, files[i]), "contents")
	}
	llvmtest.Output(b, dir, "llvm-ar-22", append([]string{"qc", "x.a"}, files...)...)
	archive := read(b, filepath.Join(dir, "x.a"))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range members(archive) {
			if n++; err != nil {
				b.Fatal(err)
			}
		}
		if n != len(files) {
			b.Fatal(n)
		}
	}
}

// BenchmarkSection looks for bitcode in an object of a thousand functions that
// has none, the ordinary case.
func BenchmarkSection(b *testing.B) {
	var source strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&source, "int function_%d(int x) { return x + %d; }\n", i, i)
	}
	path := compile(b, b.TempDir(), "a.o", source.String(), "-ffunction-sections")
	elf := read(b, path)
	r := bytes.NewReader(elf)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok, err := Section(r, int64(len(elf)), lto); ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
