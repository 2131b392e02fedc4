// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package object

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// withSymbols is an archive with this symbol table and one member, which is at
// 8 + 60 + the table's length, 4 bytes long.
func withSymbols(table string, contents ...any) []byte {
	var b bytes.Buffer
	for _, c := range contents {
		if s, ok := c.(string); ok {
			c = []byte(s)
		}
		if err := binary.Write(&b, binary.BigEndian, c); err != nil {
			panic(err)
		}
	}
	s := archiveMagic + header(table, fmt.Sprint(b.Len())) + b.String()
	return []byte(s + strings.Repeat("\n", b.Len()&1) + header("m.o/", "4") + "abcd")
}

func filterAll(b []byte) (string, error) {
	var w bytes.Buffer
	err := Filter(&w, bytes.NewReader(b), int64(len(b)), keepAll, sameName)
	return w.String(), err
}

// TestMalformedSymbols expects an error with the offset of the table.
func TestMalformedSymbols(t *testing.T) {
	for _, test := range []struct {
		name string
		b    []byte
		want string
	}{
		{"empty", withSymbols("/"), "symbol table of 0 bytes has no count"},
		{"short", withSymbols("/", "abc"), "symbol table of 3 bytes has no count"},
		{"short wide", withSymbols("/SYM64/", uint32(0)), "symbol table of 4 bytes has no count"},
		{"count", withSymbols("/", uint32(2), uint32(78), "f\x00"), "symbol table of 10 bytes cannot have 2 symbols"},
		{"largest count", withSymbols("/", ^uint32(0), uint32(78), "f\x00"), "cannot have 4294967295 symbols"},
		{"largest wide count", withSymbols("/SYM64/", ^uint64(0), uint64(86), "f\x00"), "cannot have 18446744073709551615 symbols"},
		{"names", withSymbols("/", uint32(2), uint32(84), uint32(84), "f\x00no"), "name of symbol 1 has no end"},
		{"offset", withSymbols("/", uint32(2), uint32(84), uint32(85), "f\x00g\x00"), "symbol 1 is of a member at 85, where there is none"},
		{"the table itself", withSymbols("/", uint32(1), uint32(8), "f\x00"), "symbol 0 is of a member at 8, where there is none"},
		{"negative", withSymbols("/SYM64/", uint64(1), ^uint64(0), "f\x00"), "symbol 0 is of a member at 18446744073709551615, where"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := filterAll(test.b)
			var malformed *Error
			if !errors.As(err, &malformed) || malformed.Offset != 8 || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	good := withSymbols("/", uint32(2), uint32(84), uint32(84), "f\x00\x00\x00") // an empty name, padding
	if _, err := filterAll(good); err != nil {
		t.Error(err)
	}
}

// TestFilterKind refuses archives of other kinds, and tables out of place.
func TestFilterKind(t *testing.T) {
	dir := makeFilterable(t)
	for _, test := range []struct{ make, want string }{
		{"llvm-ar-22 --format=bsd qc", "table __.SYMDEF at offset 8"},
		{"llvm-ar-22 --format=darwin qc", "table __.SYMDEF at offset 8"},
		{"llvm-ar-22 --format=bsd qcS", `member "m.o" at offset 8`},
		{"llvm-ar-22 --format=coff qc", "table / at offset"},
	} {
		command := append(strings.Fields(test.make), "x.a", "m.o", "a_name_that_is_longer_than_16.o")
		_ = os.Remove(filepath.Join(dir, "x.a"))
		llvmtest.Output(t, dir, command[0], command[1:]...)
		if _, err := filterAll(read(t, filepath.Join(dir, "x.a"))); !errors.Is(err, errKind) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.make, err)
		}
	}
	for _, tables := range [][]string{{"/", "/"}, {"/", "/SYM64/"}, {"//", "/"}, {"//", "//"}, {"m.o/", "//"}, {"m.o/", "/"}, {"/<ECSYMBOLS>/"}} {
		b := archiveMagic
		for _, table := range tables {
			b += header(table, "4") + "\x00\x00\x00\x00"
		}
		if _, err := filterAll([]byte(b)); !errors.Is(err, errKind) {
			t.Errorf("%q: %v", tables, err)
		}
	}
}

// TestFilterErrors passes on what goes wrong while reading and writing.
func TestFilterErrors(t *testing.T) {
	good := withSymbols("/", uint32(1), uint32(78), "f\x00")
	if _, err := filterAll(good[:len(good)-1]); err == nil || !strings.Contains(err.Error(), "runs past the end") {
		t.Errorf("cut archive: %v", err)
	}
	short := io.NewSectionReader(bytes.NewReader(good), 0, int64(len(good)-1))
	if err := Filter(io.Discard, short, int64(len(good)), keepAll, sameName); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("archive that became shorter: %v", err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	if err := Filter(full, bytes.NewReader(good), int64(len(good)), keepAll, sameName); err == nil {
		t.Error("a full disk is no error")
	}
	thin, err := MakeThinArchive([]string{"m.o"})
	if err != nil {
		t.Fatal(err)
	}
	badName := func(Member) string { return "a\nb" }
	if err := Filter(io.Discard, bytes.NewReader(thin), int64(len(thin)), keepAll, badName); err == nil {
		t.Error("a name with a line's end in it is no error")
	}
}

// TestFilterNone keeps nothing: what is left adds nothing to a link.
func TestFilterNone(t *testing.T) {
	dir := makeFilterable(t)
	for _, maker := range makers {
		archiveOf(t, dir, maker.make, sameName)
		filterFile(t, filepath.Join(dir, "orig/libx.a"), filepath.Join(dir, "none.a"), func(Member) bool { return false }, sameName)
		for _, version := range lldVersions() {
			out := llvmtest.Run(t, dir, "ld.lld-"+version, "--trace", "-shared", "main.o", "-uf", "none.a", "--whole-archive", "none.a", "-o", "x.so")
			if out != "main.o\n" {
				t.Errorf("%s, LLD %s: %s", maker.name, version, out)
			}
		}
	}
}

// TestFilterHuge takes the member behind 4.5 GB of another one, which is a hole
// in the file.
func TestFilterHuge(t *testing.T) {
	dir := t.TempDir()
	compile(t, dir, "m.o", "int f(void) { return 1; }", "-fPIC")
	compile(t, dir, "main.o", "int start(void) { return 1; }", "-fPIC")
	const hole = 4_500_000_000
	contents := string(read(t, filepath.Join(dir, "m.o")))
	head := withSymbols("/SYM64/", uint64(2), uint64(96), uint64(96+60+hole), "g\x00f\x00")[:96] // up to the member
	head = append(head, header("hole/", fmt.Sprint(hole))...)
	tail := header("m.o/", fmt.Sprint(len(contents))) + contents + strings.Repeat("\n", len(contents)&1)
	path := filepath.Join(dir, "x.a")
	write(t, path, string(head))
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt([]byte(tail), int64(len(head))+hole); err != nil {
		t.Fatal(err)
	}
	after := filterFile(t, path, filepath.Join(dir, "res.a"), func(m Member) bool { return m.Name == "m.o" }, sameName)
	if len(after) > len(contents)+200 {
		t.Errorf("%d bytes", len(after))
	}
	for _, version := range lldVersions() {
		out := llvmtest.Run(t, dir, "ld.lld-"+version, "--trace", "-shared", "main.o", "-uf", "-ug", "res.a", "-o", "x.so")
		if out != "main.o\nres.a(m.o)\n" {
			t.Errorf("LLD %s: %s", version, out)
		}
	}
}

// symbolsOf reads a symbol table back: symbols by the header of their member.
func symbolsOf(t testing.TB, b []byte) map[int64][]string {
	f := filter{archive: archive{r: bytes.NewReader(b), size: int64(len(b))}, name: func(Member) string { return "any" }}
	if err := f.scan(keepAll); err != nil {
		t.Fatal(err)
	}
	found := map[int64][]string{}
	if m := f.symbolTable; m.Name != "" {
		table := symbolTable{wide: m.Name == symbols64, b: b[m.Offset : m.Offset+m.Size]}
		if err := table.each(func(_ int, offset uint64, name []byte) error {
			found[int64(offset)] = append(found[int64(offset)], string(name))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// FuzzFilter: what Filter makes is an archive of the kept members with their
// names, contents and symbols, not longer than the original, and is left alone
// by Filter.
func FuzzFilter(f *testing.F) {
	dir := f.TempDir()
	files := []string{"m.o", "a name that is longer than 16.o", "n.o"}
	for i, name := range files {
		compile(f, dir, name, fmt.Sprintf("int f%d, g%d;", i, i))
		llvmtest.Output(f, dir, "llvm-strip-22", "--strip-unneeded", name)
	}
	for i, args := range [][]string{{"--format=gnu", "qc"}, {"--format=bsd", "qc"}, {"--thin", "qc"}, {"qcS"}, {"--thin", "qcS"}} {
		name := fmt.Sprint(i, ".a")
		llvmtest.Output(f, dir, "llvm-ar-22", append(append(args, name), files...)...)
		f.Add(read(f, filepath.Join(dir, name)), byte(i))
	}
	f.Add(withSymbols("/SYM64/", uint64(2), uint64(88), uint64(88), "f\x00g\x00"), byte(1))
	f.Add(withSymbols("/", uint32(2), uint32(80), uint32(84), "f\x00g\x00"), byte(1))
	f.Fuzz(func(t *testing.T, b []byte, mask byte) {
		keep := func(m Member) bool { return mask>>(m.HeaderOffset>>1&7)&1 == 0 }
		var w bytes.Buffer
		if err := Filter(&w, bytes.NewReader(b), int64(len(b)), keep, sameName); err != nil {
			return
		}
		compareFuzzed(t, b, w.Bytes(), keep)
		if again, err := filterAll(w.Bytes()); err != nil || again != w.String() {
			t.Fatalf("again: %v", err)
		}
	})
}

func compareFuzzed(t *testing.T, b, result []byte, keep func(Member) bool) {
	was, err := collect(t, b)
	if err != nil {
		t.Fatal(err)
	}
	is, err := collect(t, result)
	if err != nil {
		t.Fatal(err)
	}
	symbols, kept := symbolsOf(t, b), symbolsOf(t, result)
	for _, m := range was {
		if !keep(m) {
			continue
		}
		n := is[0]
		is = is[1:]
		if n.Name != m.Name || n.Size != m.Size || n.Thin != m.Thin || !cmp.Equal(symbols[m.HeaderOffset], kept[n.HeaderOffset]) {
			t.Fatalf("%+v %q became %+v %q", m, symbols[m.HeaderOffset], n, kept[n.HeaderOffset])
		}
		if !m.Thin && (!bytes.Equal(b[m.Offset:m.Offset+m.Size], result[n.Offset:n.Offset+n.Size]) || len(result) > len(b)+1) {
			t.Fatalf("%+v has other contents in %d bytes made of %d", m, len(result), len(b))
		}
	}
	if len(is) > 0 {
		t.Fatalf("too many: %v", is)
	}
}
