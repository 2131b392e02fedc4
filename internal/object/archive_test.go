// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package object

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

func members(b []byte) iter.Seq2[Member, error] {
	return Members(bytes.NewReader(b), int64(len(b)))
}

// collect returns the members in front of an error, and the error.
func collect(t testing.TB, b []byte) ([]Member, error) {
	t.Helper()
	var all []Member
	var failed error
	for m, err := range members(b) {
		if failed != nil {
			t.Fatal("something was delivered after an error")
		}
		if failed = err; err == nil {
			all = append(all, m)
		}
	}
	return all, failed
}

// inputs are the files that the archives of the tests are made of, in the order
// of the archive. sub/m.o is another m.o.
var inputs = []string{
	"odd", "m.o", "a name with spaces.o", "ünï.o", "日本語のとても長い名前.o", "exactly-15-char", "exactly-16-chars",
	"a_name_that_is_longer_than_16.o", "sub/m.o", "empty", "trailing/", "s.txt",
}

// makeInputs writes the inputs into a new folder and returns those that are
// files, with an object among them so that archives get a symbol table.
func makeInputs(t *testing.T) (dir string, files []string) {
	t.Helper()
	dir = t.TempDir()
	for i, name := range inputs {
		if strings.HasSuffix(name, "/") {
			continue
		}
		files = append(files, name)
		write(t, filepath.Join(dir, name), strings.Repeat("x", i*7%30))
	}
	compile(t, dir, "m.o", "int foo(void) { return 1; }")
	compile(t, dir, "sub/m.o", "int bar(void) { return 2; }", "-flto=thin")
	write(t, filepath.Join(dir, "empty"), "")
	return dir, files
}

// TestMembers compares names, sizes and offsets with llvm-ar's listing of
// archives of every format, and the contents with the files.
func TestMembers(t *testing.T) {
	for _, test := range []struct {
		name string
		make []string
	}{
		{"gnu", []string{"llvm-ar-22", "--format=gnu", "qc"}},
		{"bsd", []string{"llvm-ar-22", "--format=bsd", "qc"}},
		{"darwin", []string{"llvm-ar-22", "--format=darwin", "qc"}},
		{"coff", []string{"llvm-ar-22", "--format=coff", "qc"}},
		{"gnu thin", []string{"llvm-ar-22", "--format=gnu", "--thin", "qc"}},
		{"no symbols", []string{"llvm-ar-22", "--format=gnu", "qcS"}},
		{"binutils", []string{"ar", "qc"}},
		{"binutils thin", []string{"ar", "qcT"}},
		{"llvm 19", []string{"llvm-ar-19", "qc"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, files := makeInputs(t)
			llvmtest.Output(t, dir, test.make[0], append(append(test.make[1:], "x.a"), files...)...)
			path := filepath.Join(dir, "x.a")
			b := read(t, path)
			got, err := collect(t, b)
			if err != nil {
				t.Fatal(err)
			}
			compareListing(t, dir, got)
			compareContents(t, b, path, got, files)
		})
	}
}

var listed = regexp.MustCompile(`^\S+ \d+/\d+ +(\d+) .{17} (.*) 0x([0-9a-f]+)$`)

// compareListing compares with llvm-ar, which shows where a member's contents
// are; of a thin archive it shows the file's name and no offset.
func compareListing(t *testing.T, dir string, got []Member) {
	t.Helper()
	listing := strings.Split(strings.TrimSpace(llvmtest.Output(t, dir, "llvm-ar-22", "tvO", "x.a")), "\n")
	if len(listing) != len(got) {
		t.Fatalf("%d members, llvm-ar lists %d", len(got), len(listing))
	}
	for i, m := range got {
		want := listing[i]
		line := fmt.Sprintf("%d %s %x", m.Size, m.Name, m.Offset)
		if f := listed.FindStringSubmatch(want); f != nil {
			want = fmt.Sprintf("%s %s %s", f[1], f[2], f[3])
		} else if m.Thin {
			f := strings.Fields(want)
			want, line = f[2]+" "+m.Name, fmt.Sprintf("%d %s", m.Size, m.Name)
			if !strings.HasSuffix(listing[i], " "+m.Name) {
				t.Errorf("member %d: %q, llvm-ar lists %q", i, m.Name, listing[i])
			}
		}
		if line != want {
			t.Errorf("member %d: %s, llvm-ar lists %s", i, line, want)
		}
	}
}

// compareContents compares each member with the file that it was made of.
func compareContents(t *testing.T, b []byte, path string, got []Member, files []string) {
	t.Helper()
	seen := map[int64]bool{}
	for i, m := range got {
		want := read(t, filepath.Join(filepath.Dir(path), files[i]))
		var have []byte
		if m.Thin {
			have = read(t, ThinPath(path, m))
		} else {
			have = b[m.Offset : m.Offset+m.Size]
			if filepath.Base(files[i]) != m.Name {
				t.Errorf("%s is called %q", files[i], m.Name)
			}
		}
		// Darwin's format fills members up to a multiple of eight.
		if !bytes.Equal(have, want) && !bytes.Equal(bytes.TrimRight(have, "\n"), want) {
			t.Errorf("%s has other contents", files[i])
		}
		if seen[m.HeaderOffset] || string(b[m.HeaderOffset+58:m.HeaderOffset+60]) != "`\n" {
			t.Errorf("%s: header at %d", files[i], m.HeaderOffset)
		}
		seen[m.HeaderOffset] = true
	}
}

// TestHeaderOffset compares with the offsets that LLD puts into the names of
// indexes.
func TestHeaderOffset(t *testing.T) {
	for _, format := range []string{"--format=gnu", "--format=bsd", "--format=darwin", "--format=coff", "--thin"} {
		for _, version := range []string{"14", "19", "22"} {
			t.Run(format+" "+version, func(t *testing.T) {
				dir := t.TempDir()
				var files []string
				for i, name := range []string{"m.o", "sub/m.o", "a name that is longer than 16.o"} {
					source := fmt.Sprintf("int f%d(void) { return 1; }", i)
					write(t, filepath.Join(dir, name+".c"), source)
					llvmtest.Output(t, dir, "clang-"+version, "-flto=thin", "-c", name+".c", "-o", name)
					files = append(files, name)
				}
				llvmtest.Output(t, dir, "llvm-ar-22", append([]string{"qc", format, "x.a"}, files...)...)
				llvmtest.Output(t, dir, "ld.lld-"+version, "-shared", "--thinlto-index-only=m", "--whole-archive", "x.a", "-o", "x.so")
				got, err := collect(t, read(t, filepath.Join(dir, "x.a")))
				if err != nil || len(got) != len(files) {
					t.Fatal(got, err)
				}
				for _, m := range got {
					index := fmt.Sprintf("x.a(%s at %d).thinlto.bc", filepath.Base(m.Name), m.HeaderOffset)
					if _, err := os.Stat(filepath.Join(dir, index)); err != nil {
						made, _ := filepath.Glob(filepath.Join(dir, "*.thinlto.bc"))
						t.Errorf("%v; LLD made %q", err, made)
					}
				}
			})
		}
	}
}

// TestThinPath has llvm-ar write thin archives by several paths and opens the
// members from there.
func TestThinPath(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "src/a.o"), "contents of a")
	write(t, filepath.Join(dir, "lib/deep/keep"), "")
	absolute := filepath.Join(dir, "abs.a")
	llvmtest.Output(t, dir, "llvm-ar-22", "qc", "--thin", absolute, filepath.Join(dir, "src/a.o"))
	llvmtest.Output(t, dir, "llvm-ar-22", "qc", "--thin", "here.a", "src/a.o")
	llvmtest.Output(t, dir, "llvm-ar-22", "qc", "--thin", "lib/deep/x.a", "src/a.o")
	t.Chdir(dir)
	for _, archive := range []string{absolute, "here.a", "./here.a", "lib/deep/x.a", "lib//deep//x.a", dir + "/lib/deep/x.a"} {
		got, err := collect(t, read(t, archive))
		if err != nil || len(got) != 1 {
			t.Fatal(archive, got, err)
		}
		if b := read(t, ThinPath(archive, got[0])); string(b) != "contents of a" {
			t.Errorf("%s: %s", archive, b)
		}
	}
	for _, test := range [][3]string{
		{"x.a", "m.o", "m.o"},
		{"/x.a", "m.o", "/m.o"},
		{"a/../x.a", "../m.o", "a/../../m.o"}, // a may be a link
		{"a//x.a", "m.o", "a/m.o"},
		{"a/x.a", "/m.o", "/m.o"},
	} {
		if got := ThinPath(test[0], Member{Name: test[1]}); got != test[2] {
			t.Errorf("%s in %s: %s, want %s", test[1], test[0], got, test[2])
		}
	}
}

// header returns a member's header.
func header(name, size string) string {
	return fmt.Sprintf("%-16s%-12s%-6s%-6s%-8s%-10s`\n", name, "0", "0", "0", "644", size)
}

// TestMalformedMembers has a good member in front of each malformed one: it is
// delivered, and the error names where the other one is.
func TestMalformedMembers(t *testing.T) {
	good := header("good.o/", "3") + "abc\n" // 64 bytes
	for _, test := range []struct{ name, rest, want string }{
		{"cut header", header("m.o/", "1")[:59], "offset 72: archive ends inside of a member's header"},
		{"one byte", "\n", "offset 72: archive ends inside of a member's header"},
		{"no terminator", strings.Repeat("x", 60), "offset 72: no member header"},
		{"size past the end", header("m.o/", "5") + "abcd", "offset 72: m.o/ of 5 bytes runs past the end of the archive"},
		{"largest size", header("m.o/", "9999999999") + "abcd", "offset 72: m.o/ of 9999999999 bytes runs past"},
		{"negative size", header("m.o/", "-1"), `offset 72: m.o/: size "-1" is not a number`},
		{"signed size", header("m.o/", "+1") + "a", `offset 72: m.o/: size "+1" is not a number`},
		{"size in words", header("m.o/", "one"), `offset 72: m.o/: size "one" is not a number`},
		{"no size", header("m.o/", ""), `offset 72: m.o/: size "" is not a number`},
		{"no name", header("", "0"), "offset 72: member without a name"},
		{"no table", header("/7", "0"), `offset 72: name at "7" of a table of 0 bytes`},
		{"past the table", header("//", "4") + "n.o\n" + header("/4", "0"), `offset 136: name at "4" of a table of 4 bytes`},
		{"nested thin", header("//", "4") + "n.o\n" + header("/0:80", "0"), `offset 136: name at "0:80" of a table`},
		{"endless name", header("//", "4") + "n.o/" + header("/0", "0"), "offset 136: name at 0 of the table has no end"},
		{"long endless name", header("//", "9000") + strings.Repeat("n", 9000) + header("/0", "0"), "name at 0 of the table has no end"},
		{"table past the end", header("//", "400") + "n.o/", "offset 72: // of 400 bytes runs past the end"},
		{"BSD name past the member", header("#1/5", "4") + "abcd", "offset 72: name of 5 bytes in a member of 4"},
		{"BSD name of no length", header("#1/", "4") + "abcd", "offset 72: name of  bytes in a member of 4"},
		{"BSD name of nothing", header("#1/4", "4") + "\x00\x00\x00\x00", "offset 72: member without a name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := collect(t, []byte(archiveMagic+good+test.rest))
			var malformed *Error
			if !errors.As(err, &malformed) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			want := []Member{{Name: "good.o", HeaderOffset: 8, Offset: 68, Size: 3}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("members in front (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoArchive(t *testing.T) {
	for _, b := range []string{"", "!<arch>", "text that is long enough", "!<arch>\r"} {
		if got, err := collect(t, []byte(b)); err == nil || len(got) != 0 {
			t.Errorf("%q: %v, %v", b, got, err)
		}
	}
	if got, err := collect(t, []byte(archiveMagic)); err != nil || len(got) != 0 {
		t.Errorf("empty archive: %v, %v", got, err)
	}
}

// TestOddEnd covers a last member of odd size whose padding is missing.
func TestOddEnd(t *testing.T) {
	got, err := collect(t, []byte(archiveMagic+header("m.o/", "3")+"abc"))
	if err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestShortFile covers an archive that became shorter while it was read.
func TestShortFile(t *testing.T) {
	b := archiveMagic + header("m.o/", "4") + "abcd"
	for _, err := range Members(strings.NewReader(b), int64(len(b))+100) {
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v", err)
		}
	}
}

// TestStop ends the walk early.
func TestStop(t *testing.T) {
	b := []byte(archiveMagic + header("m.o/", "0") + header("n.o/", "0") + "garbage")
	n := 0
	for m, err := range members(b) {
		if n++; err != nil || m.Name != "m.o" {
			t.Errorf("%v, %v", m, err)
		}
		break
	}
	if n != 1 {
		t.Errorf("%d members", n)
	}
}

// TestTables leaves out every table that tools keep in archives.
func TestTables(t *testing.T) {
	var b strings.Builder
	b.WriteString(archiveMagic)
	for _, name := range []string{
		"/", "/", "/SYM64/", "//", "/<ECSYMBOLS>/", "/<XFGHASHMAP>/", "/<HYBRIDMAP>/",
		"__.SYMDEF", "__.SYMDEF SORTED", "__.SYMDEF_64",
	} {
		b.WriteString(header(name, "2") + "xx")
	}
	b.WriteString(header("#1/20", "24") + "__.SYMDEF_64 SORTED\x00xxxx")
	b.WriteString(header("__.SYMDEFS", "2") + "xx")
	got, err := collect(t, []byte(b.String()))
	if err != nil || len(got) != 1 || got[0].Name != "__.SYMDEFS" {
		t.Errorf("%v, %v", got, err)
	}
}

// FuzzMembers: what is delivered lies in the archive, moves forward and has a
// name.
func FuzzMembers(f *testing.F) {
	dir := f.TempDir()
	files := []string{"m.o", "a name that is longer than 16.o", "n.o"}
	for _, name := range files {
		write(f, filepath.Join(dir, name), "abc")
	}
	for i, format := range []string{"--format=gnu", "--format=bsd", "--format=darwin", "--format=coff", "--thin"} {
		name := fmt.Sprint(i, ".a")
		llvmtest.Output(f, dir, "llvm-ar-22", append([]string{"qc", format, name}, files...)...)
		f.Add(read(f, filepath.Join(dir, name)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		last := int64(-1)
		all, err := collect(t, b)
		for _, m := range all {
			end := m.Offset + m.Size
			if m.Thin {
				end = m.HeaderOffset + headerSize
			}
			if m.HeaderOffset <= last || m.Size < 0 || end > int64(len(b)) || m.Name == "" || len(m.Name) > maxName+2 {
				t.Fatalf("%+v after %d in %d bytes", m, last, len(b))
			}
			last = m.HeaderOffset
			_ = ThinPath("a/b", m)
		}
		var malformed *Error
		if err != nil && (!errors.As(err, &malformed) || malformed.Offset < 0 || malformed.Offset > int64(len(b))) {
			t.Fatal(err)
		}
	})
}
