// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// responseFiles are texts whose words are compared with what the real LLD
// makes of them. Words must not look like options.
var responseFiles = []struct{ name, text string }{
	{"blanks", "a\tb\r\nc   d\x00e\n"},
	{"escapes", `a\ b \"c\" \\ d\e`},
	{"quotes", `"a b" 'c d' e"f g"h 'i'"j" "k'l" 'm"n'`},
	{"escapes in quotes", `"a\"b" 'c\'d' "e\\f" 'g\nh'`},
	{"empty quotes", `"" '' a "" b`},
	{"unfinished quote", `a "b c`},
	{"backslash at end", `a b\`},
	{"no comments", "#a b #c"},
	{"utf-8 mark", "\xef\xbb\xbfa b"},
	{"utf-16", "\xff\xfea\x00 \x00b\x00c\x00"},
	{"not ascii", "straße 'ü ö'"},
	{"missing nested", "@nothing-here a"},
}

func TestExpandAsLLD(t *testing.T) {
	for _, version := range llvmtest.Versions {
		for _, style := range []string{"posix", "windows"} {
			for _, tc := range append(responseFiles, struct{ name, text string }{"windows",
				`"C:\a b\c" d\"e "f""g" \\"h i" \\\"j k\\l "m\\" n"o p"q`}) {
				t.Run(version+" "+style+" "+tc.name, func(t *testing.T) {
					folder := t.TempDir()
					llvmtest.Write(t, folder, "r.rsp", tc.text)
					want := wordsSeenByLLD(t, version, folder, "--rsp-quoting="+style, "@r.rsp")
					got, whole := Expand([]string{"--rsp-quoting=" + style, "@" + filepath.Join(folder, "r.rsp")}, readIn(folder))
					if style == "windows" && !whole && strings.Count(tc.text, `"`)%2 == 1 {
						return // an unfinished quote: not read
					}
					if got = got[1:]; !slices.Equal(got, want) || !whole {
						t.Errorf("words %q, whole %v; LLD's %q", got, whole, want)
					}
				})
			}
		}
	}
}

// wordsSeenByLLD reads the words off LLD's complaints about inputs that are
// not there.
func wordsSeenByLLD(t *testing.T, version, folder string, args ...string) []string {
	t.Helper()
	out, err := llvmtest.TryRun(t, folder, "ld.lld-"+version, append(args, "--error-limit=0")...)
	if err == nil {
		t.Fatalf("ld.lld-%s linked nothing successfully", version)
	}
	var words []string
	for line := range strings.SplitSeq(out, "\n") {
		if _, rest, ok := strings.Cut(line, "error: cannot open "); ok {
			words = append(words, strings.TrimSuffix(rest, ": No such file or directory"))
		}
	}
	return words
}

func readIn(folder string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(folder, name)
		}
		return readFile(name)
	}
}

func TestExpandNestedAndCyclic(t *testing.T) {
	files := map[string]string{"a": "1 @b 2", "b": "3 @none", "self": "@self", "x": "@y", "y": "@x", "twice": "@b @b"}
	read := func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
	for _, tc := range []struct {
		arg   string
		want  []string
		whole bool
	}{
		{"@a", []string{"1", "3", "@none", "2"}, true},
		{"@twice", []string{"3", "@none", "3", "@none"}, true},
		{"@self", nil, false},
		{"@x", nil, false},
		{"@", nil, false},
	} {
		got, whole := Expand([]string{tc.arg}, read)
		if !slices.Equal(got, tc.want) || whole != tc.whole {
			t.Errorf("Expand(%s) = %q, %v; want %q, %v", tc.arg, got, whole, tc.want, tc.whole)
		}
	}
}

// A file that names a thousand others, each of which does too, must end.
func TestExpandIsBounded(t *testing.T) {
	reads := 0
	read := func(string) ([]byte, error) {
		reads++
		var text strings.Builder
		for i := range 1000 {
			text.WriteString("@f" + strings.Repeat("x", i) + strings.Repeat("y", reads%7) + " ")
		}
		return []byte(text.String()), nil
	}
	_, whole := Expand([]string{"@f"}, read)
	if whole || reads > maxExpansions {
		t.Errorf("whole %v after %d reads", whole, reads)
	}
}

func FuzzExpand(f *testing.F) {
	for _, tc := range responseFiles {
		f.Add(tc.text, false)
	}
	f.Fuzz(func(t *testing.T, text string, windows bool) {
		args := []string{"@f"}
		if windows {
			args = append(args, "--rsp-quoting=windows")
		}
		read := func(name string) ([]byte, error) {
			if name == "f" {
				return []byte(text), nil
			}
			return nil, errors.New("no such file")
		}
		words, whole := Expand(args, read)
		total := 0
		for _, word := range words {
			total += len(word)
		}
		if whole && total > 3*len(text)+64 { // UTF-16 grows to three bytes a unit pair at most
			t.Errorf("%d bytes of words from %d bytes of text", total, len(text))
		}
		for _, arg := range Parse(words) {
			if arg.First > arg.Last || arg.Last >= len(words) {
				t.Errorf("argument %+v out of %d words", arg, len(words))
			}
		}
	})
}
