// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/object"
)

// wantRefused wants a link to fail with an error that has the words in one line, and
// to leave nothing. It may succeed where an in-process link does, if it then makes
// the same program: LLD does not look at every byte either.
func (s *staging) wantRefused(words []string, args ...string) {
	s.t.Helper()
	args = append(args, "-o", "OUT/program")
	staged, err := s.try(stagedLLD, args...)
	if err == nil {
		inProcess, err := s.try(plainLLD, args...)
		if err != nil {
			s.t.Fatalf("in-process the link fails, and staged it does not: %v", err)
		}
		s.wantSame(inProcess, staged)
		return
	}
	wantErrorLine(s.t, staged.said, words...)
	wantNoStage(s.t, "the link", staged.said)
	wantNames(s.t, staged.dir, nil)
}

// wantErrorLine wants one line of an error, which may go on below, to have all the words.
func wantErrorLine(t *testing.T, said string, words ...string) {
	t.Helper()
	for line := range strings.Lines(said) {
		found := strings.Contains(line, "error: ")
		for _, word := range words {
			found = found && strings.Contains(line, word)
		}
		if found {
			return
		}
	}
	t.Errorf("no line with an error and %q in %q", words, said)
}

// damages are ways to damage an archive, one of whose members the link needs.
var damages = []struct {
	name   string
	damage func(text []byte, member object.Member) []byte
}{
	{"truncated in a member", func(text []byte, m object.Member) []byte { return text[:m.Offset+m.Size/2] }},
	{"truncated in a header", func(text []byte, m object.Member) []byte { return text[:m.HeaderOffset+30] }},
	{"truncated in the magic", func(text []byte, _ object.Member) []byte { return text[:6] }},
	{"size beyond the end", func(text []byte, m object.Member) []byte { return withSize(text, m, fmt.Sprint(len(text))) }},
	{"size too small", func(text []byte, m object.Member) []byte { return withSize(text, m, fmt.Sprint(m.Size/2&^1)) }},
	{"size no number", func(text []byte, m object.Member) []byte { return withSize(text, m, "12x4") }},
	{"size huge", func(text []byte, m object.Member) []byte { return withSize(text, m, "9999999999") }},
	{"damaged bitcode", func(text []byte, m object.Member) []byte {
		clear(text[m.Offset+m.Size/4 : m.Offset+m.Size/2])
		return text
	}},
}

// withSize gives a member another size: its ten characters begin 48 bytes into the header.
func withSize(text []byte, m object.Member, size string) []byte {
	copy(text[m.HeaderOffset+48:], fmt.Sprintf("%-10s", size))
	return text
}

// TestStagedDamagedArchive gives the link archives that are not what they say. dtlto reads
// them itself, before LLD does or after.
func TestStagedDamagedArchive(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		losing(s)
		good := string(read(s.t, s.path("libmixed.a")))
		member := memberOf(s.t, s.path("libmixed.a"), "inlined.o")
		for _, d := range damages {
			s.sub(d.name, func(s *staging) {
				s.write("libbroken.a", string(d.damage([]byte(good), member)))
				words := []string{"libbroken.a"}
				if d.name == "damaged bitcode" {
					words = nil // only LLVM reads so far, and it does not say where it read
				}
				s.wantRefused(words, "main.o", "root.o", "libbroken.a")
			})
		}
	})
}

func memberOf(t *testing.T, archive, name string) object.Member {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for m, err := range object.Members(f, info.Size()) {
		if err != nil {
			t.Fatal(err)
		}
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("%s has no %s", archive, name)
	return object.Member{}
}

// TestStagedUnreadable gives the link files that cannot be read.
func TestStagedUnreadable(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		losing(s)
		if err := os.Mkdir(s.path("folder.o"), 0o755); err != nil {
			s.t.Fatal(err)
		}
		symlink(s.t, "nowhere.o", s.path("dangling.o"))
		s.write("truncated.o", string(read(s.t, s.path("inlined.o"))[:1000]), "empty.o", "")
		s.archive("libgone.a", "unused.o")
		if err := os.Remove(s.path("unused.o")); err != nil { // which libthin.a names
			s.t.Fatal(err)
		}
		for _, name := range []string{"folder.o", "dangling.o", "truncated.o", "empty.o"} {
			s.sub(name, func(s *staging) { s.wantRefused([]string{name}, "main.o", "root.o", "libmixed.a", name) })
		}
		s.sub("member of a thin archive", func(s *staging) {
			s.wantRefused([]string{"unused.o"}, "main.o", "root.o", "-Wl,--whole-archive", "libthin.a")
		})
		s.sub("no permission", func(s *staging) {
			if os.Geteuid() == 0 {
				s.t.Skip("NOT TESTED: root may read everything")
			}
			if err := os.Chmod(s.path("inlined.o"), 0); err != nil {
				s.t.Fatal(err)
			}
			s.wantRefused([]string{"inlined.o"}, "main.o", "root.o", "native.o", "inlined.o", "never.o")
		})
	})
}

// TestStagedOtherBitcode mixes LLVMs. An older one's bitcode is read like one's own; for
// a newer one's, the error says of which file and which LLVM it takes.
func TestStagedOtherBitcode(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		losing(s)
		s.write("older.c", string(read(s.t, s.path("inlined.c"))), "newer.c", string(read(s.t, s.path("inlined.c"))))
		older, newer := *s, *s
		older.llvm, newer.llvm = 14, 22
		older.compile("older.o", "-flto=thin", "-fPIC")
		newer.compile("newer.o", "-flto=thin", "-fPIC")
		s.archive("libolder.a", "older.o")
		newer.archive("libnewer.a", "newer.o")
		s.sameLines("main.o", "root.o", "older.o", "libmixed.a")
		s.sameLines("main.o", "root.o", "libolder.a", "libmixed.a")
		if s.llvm < newer.llvm {
			s.wantRefused([]string{"newer.o", "22"}, "main.o", "root.o", "newer.o", "libmixed.a")
			s.wantRefused([]string{"libnewer.a", "22"}, "main.o", "root.o", "libnewer.a", "libmixed.a")
		}
	})
}

// writing is a distributor that writes to a file behind the thin link's back.
// Zeros at its end leave bitcode as good as it was.
const writing = "#!/bin/sh\nprintf '\\0\\0\\0\\0' >>\"$1\" || exit 1\nshift\nexec \"$@\"\n"

// wantInProcess wants a link to have been done in-process with a line about a file.
func (s *staging) wantInProcess(staged product, file string, args ...string) {
	s.t.Helper()
	rest, ok := cutInProcess(staged.said)
	if !ok || !strings.Contains(strings.TrimSuffix(staged.said, rest), file) {
		s.t.Errorf("no line about %s: the link says %q", file, staged.said)
	}
	staged.said = rest
	s.wantSame(s.link(plainLLD, args...), staged)
}

// TestStagedWrittenTo changes an input between the two links, of which the second would
// read something that the first has not seen.
func TestStagedWrittenTo(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		losing(s)
		s.write("writing", writing)
		if err := os.Chmod(s.path("writing"), 0o755); err != nil {
			s.t.Fatal(err)
		}
		distributor := []string{"-Wl,--thinlto-distributor=" + s.path("writing")}
		args := func(file string) []string {
			return append(distributor, "-Wl,--thinlto-distributor-arg="+file, "-Wl,--thinlto-distributor-arg="+filepath.Join(bin, "naive"))
		}
		s.write("other", "")
		if _, err := s.try(stagedLLD, append(args("other"), "main.o", "root.o", "libmixed.a", "-o", "OUT/program")...); err != nil {
			s.t.Fatal(err)
		}
		for _, file := range []string{"native.o", "libmixed.a", "main.o"} {
			s.sub(file, func(s *staging) {
				text := read(s.t, s.path(file))
				staged, err := s.try(stagedLLD, append(args(file), "main.o", "root.o", "native.o", "libmixed.a", "-o", "OUT/program")...)
				if err != nil {
					wantErrorLine(s.t, staged.said, file)
					wantNames(s.t, staged.dir, nil)
				} else { // LLD did it alone, with what it finds now
					s.wantInProcess(staged, file, "main.o", "root.o", "native.o", "libmixed.a", "-o", "OUT/program")
				}
				s.write(file, string(text))
			})
		}
	})
}
