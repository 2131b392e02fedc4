// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package object

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

const lto = ".llvm.lto"

func find(b []byte, name string) (offset, size int64, ok bool, err error) {
	return Section(bytes.NewReader(b), int64(len(b)), name)
}

// TestSectionFatLTO compares with what llvm-objcopy takes out of FatLTO objects.
func TestSectionFatLTO(t *testing.T) {
	for _, version := range []string{"19", "22"} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "a.c"), "int foo(int x) { return x; }")
		llvmtest.Output(t, dir, "clang-"+version, "-c", "-O2", "-flto=thin", "-ffat-lto-objects", "a.c", "-o", "a.o")
		llvmtest.Output(t, dir, "llvm-objcopy-22", "--dump-section="+lto+"=lto.bc", "a.o")
		b := read(t, filepath.Join(dir, "a.o"))
		offset, size, ok, err := find(b, lto)
		if err != nil || !ok {
			t.Fatalf("LLVM %s: %v, %v", version, ok, err)
		}
		got := b[offset : offset+size]
		if !bytes.Equal(got, read(t, filepath.Join(dir, "lto.bc"))) || Identify(head(got)) != Bitcode {
			t.Errorf("LLVM %s: other contents at %d, %d bytes", version, offset, size)
		}
	}
}

// elfTargets are one target for each class and byte order.
var elfTargets = []string{"x86_64-linux-gnu", "i686-linux-gnu", "powerpc64-linux-gnu", "powerpc-linux-gnu"}

// assemble makes an object of assembly source for a target.
func assemble(t testing.TB, target, source string) []byte {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.s"), source)
	llvmtest.Output(t, dir, "clang-22", "--target="+target, "-c", "a.s", "-o", "a.o")
	return read(t, filepath.Join(dir, "a.o"))
}

func TestSectionClasses(t *testing.T) {
	source := ".section .other,\"\",%progbits\n.ascii \"no\"\n" +
		".section .llvm.lto,\"e\",%progbits\n.ascii \"contents\"\n" +
		".section .nothing,\"aw\",%nobits\n.zero 100\n"
	for _, target := range elfTargets {
		b := assemble(t, target, source)
		offset, size, ok, err := find(b, lto)
		if err != nil || !ok || string(b[offset:offset+size]) != "contents" {
			t.Errorf("%s: at %d, %d bytes, %v, %v", target, offset, size, ok, err)
		}
		for _, absent := range []string{".llvm.lt", "llvm.lto", ".llvm.lto2", ".absent", "foo"} {
			if _, _, ok, err := find(b, absent); ok || err != nil {
				t.Errorf("%s: %s: %v, %v", target, absent, ok, err)
			}
		}
		if _, _, ok, err := find(b, ".nothing"); ok || err == nil || !strings.Contains(err.Error(), "no contents") {
			t.Errorf("%s: section without contents: %v, %v", target, ok, err)
		}
	}
}

// TestSectionName has the name as the end of another one (their strings are
// merged), as a symbol's, and twice as a section's: the first one counts.
func TestSectionName(t *testing.T) {
	source := ".section .rela.llvm.lto,\"\",%progbits\n.ascii \"longer\"\n"
	b := assemble(t, elfTargets[0], source+".globl .llvm.lto\n.llvm.lto = 1\n")
	if _, _, ok, err := find(b, lto); ok || err != nil {
		t.Errorf("a section that is not there: %v, %v", ok, err)
	}
	source += ".section .llvm.lto,\"\",%progbits,unique,1\n.ascii \"first\"\n.section .llvm.lto,\"\",%progbits,unique,2\n.ascii \"second\"\n"
	b = assemble(t, elfTargets[0], source)
	if offset, size, ok, err := find(b, lto); err != nil || !ok || string(b[offset:offset+size]) != "first" {
		t.Errorf("at %d, %d bytes, %v, %v", offset, size, ok, err)
	}
}

// TestSectionMany covers objects with so many sections that their number is not
// in the ELF header, and tables longer than the pieces that are read at a time.
func TestSectionMany(t *testing.T) {
	for _, target := range elfTargets[:2] {
		source := ".set i, 0\n.rept 66000\n.section .text.a_long_name.\\+,\"ax\",%progbits\n.endr\n" +
			".section .llvm.lto,\"\",%progbits\n.ascii \"contents\"\n"
		b := assemble(t, target, source)
		if offset, size, ok, err := find(b, lto); err != nil || !ok || string(b[offset:offset+size]) != "contents" {
			t.Errorf("%s: at %d, %d bytes, %v, %v", target, offset, size, ok, err)
		}
		for _, i := range []int{0, 1023, 1024, 1638, 65278, 65999} {
			if _, _, ok, err := find(b, ".text.a_long_name."+strconv.Itoa(i)); !ok || err != nil {
				t.Errorf("%s: section %d: %v, %v", target, i, ok, err)
			}
		}
	}
}

// TestSectionPieces has a name at every place around the seam of two pieces of
// the table of names.
func TestSectionPieces(t *testing.T) {
	for at := chunkSize - 12; at < chunkSize+2; at++ {
		table := append(bytes.Repeat([]byte{'x'}, at), ".llvm.lto\x00"...)
		f := elfFile{r: bytes.NewReader(table), size: int64(len(table))}
		found, err := f.find(section{size: int64(len(table))}, lto)
		if err != nil || !slices.Equal(found, []uint32{uint32(at)}) {
			t.Errorf("name at %d: %v, %v", at, found, err)
		}
	}
}

func TestSectionCompressed(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.s"), ".section .debug_info,\"\",%progbits\n.zero 10000\n")
	llvmtest.Output(t, dir, "clang-22", "-c", "-Wa,--compress-debug-sections=zlib", "a.s", "-o", "a.o")
	b := read(t, filepath.Join(dir, "a.o"))
	if _, _, ok, err := find(b, ".debug_info"); ok || err == nil || !strings.Contains(err.Error(), "section .debug_info is compressed") {
		t.Errorf("%v, %v", ok, err)
	}
}

// TestSectionStripped covers files without section headers.
func TestSectionStripped(t *testing.T) {
	b := assemble(t, elfTargets[0], ".section .llvm.lto,\"\",%progbits\n.ascii \"contents\"\n")
	clear(b[40:48]) // e_shoff
	if _, _, ok, err := find(b, lto); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

// TestMalformedELF puts wrong numbers into a good object.
func TestMalformedELF(t *testing.T) {
	good := assemble(t, elfTargets[0], ".section .llvm.lto,\"\",%progbits\n.ascii \"contents\"\n")
	order := binary.LittleEndian
	headers := order.Uint64(good[40:])
	names := headers + 64*uint64(order.Uint16(good[62:]))
	ltoAt := headers
	for order.Uint64(good[ltoAt+32:]) != uint64(len("contents")) {
		ltoAt += 64
	}
	put16 := func(at uint64, v uint16) func([]byte) { return func(b []byte) { order.PutUint16(b[at:], v) } }
	put64 := func(at, v uint64) func([]byte) { return func(b []byte) { order.PutUint64(b[at:], v) } }
	for _, test := range []struct {
		name   string
		change func([]byte)
		want   string
	}{
		{"no magic", put16(0, 0), "not an ELF file"},
		{"class", func(b []byte) { b[4] = 3 }, "not an ELF file"},
		{"byte order", func(b []byte) { b[5] = 0 }, "not an ELF file"},
		{"headers past the end", put64(40, uint64(len(good))+1), "section headers at"},
		{"headers at 2^63", put64(40, 1<<63), "section headers at"},
		{"headers at 2^64-1", put64(40, 1<<64-1), "section headers at"},
		{"header size", put16(58, 40), "section headers of 40 bytes"},
		{"too many", put16(60, 0xff00), "65280 section headers"},
		{"names past the last", put16(62, 200), "section 200 of"},
		{"extended count", func(b []byte) { put16(60, 0)(b); put64(headers+32, 1<<62)(b) }, "section headers at"},
		{"negative extended count", func(b []byte) { put16(60, 0)(b); put64(headers+32, 1<<63)(b) }, "section headers at"},
		{"extended names", put16(62, 0xffff), ""},
		{"names outside", put64(names+24, 1<<40), fmt.Sprintf("offset %d: section of", names)},
		{"names of 2^63", put64(names+32, 1<<63), fmt.Sprintf("offset %d: section of 9223372036854775808 bytes", names)},
		{"contents outside", put64(ltoAt+32, uint64(len(good))), fmt.Sprintf("offset %d: section of", ltoAt)},
		{"contents at 2^64-1", put64(ltoAt+24, 1<<64-1), fmt.Sprintf("offset %d: section of 8 bytes at 18446744073709551615", ltoAt)},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := bytes.Clone(good)
			test.change(b)
			_, _, ok, err := find(b, lto)
			var malformed *Error
			if test.want == "" { // no names, so no such section
				if ok || err != nil {
					t.Errorf("%v, %v", ok, err)
				}
			} else if ok || !errors.As(err, &malformed) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	for n := range good {
		if offset, size, ok, _ := find(good[:n], lto); ok && offset+size > int64(n) {
			t.Errorf("cut at %d: section at %d of %d bytes", n, offset, size)
		}
	}
	if _, _, _, err := Section(bytes.NewReader(good[:100]), int64(len(good)), lto); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("file that became shorter: %v", err)
	}
	if _, _, ok, err := Section(bytes.NewReader(good), -1, lto); ok || err == nil {
		t.Errorf("size -1: %v, %v", ok, err)
	}
}

// FuzzSection: what is found lies in the file.
func FuzzSection(f *testing.F) {
	for _, target := range elfTargets {
		f.Add(assemble(f, target, ".section .llvm.lto,\"\",%progbits\n.ascii \"contents\"\n"))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		offset, size, ok, err := find(b, lto)
		if ok && (err != nil || offset < 0 || size < 0 || offset+size > int64(len(b))) {
			t.Fatalf("at %d, %d bytes of %d, %v", offset, size, len(b), err)
		}
		var malformed *Error
		if err != nil && !errors.As(err, &malformed) {
			t.Fatal(err)
		}
	})
}
