// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

func TestGlob(t *testing.T) {
	for _, tc := range []struct{ pattern, matches, others string }{ // names apart by blanks
		{"*", "a a/b/c.o", ""}, {"**", "a", ""}, {"?", "a / [", "ab"}, {"a*c", "ac abc a/b/c acc", "a abcd"},
		{"*.o", ".o a.o a/.o.o", "o a.oo"}, {"lib*/x?.a", "lib/x1.a lib/y/x/.a", "lib/x.a /lib/x1.a"},
		{"[a-c]", "a b c", "d - A"}, {"[!a-c]", "d -", "a"}, {"[^a-c]", "d ^", "a"}, {"[]]", "]", "[ a"}, {"[!]]", "a] ]]", "a ]"},
		{"[a-]", "a -", "b"}, {"[-a]", "a -", "b"}, {"[a-c-e]", "a b c - e", "d"}, {"[!]", "a !", "ab"}, {"[a^!]", "a ^ !", "b"},
		{`a[\]b`, `a\b`, "a]b"}, {`a\*b`, "a*b", "axb"}, {`\a[*]`, "a*", `\a* ab`}, {`[[]x]`, "[x]", "[x"}, {`a\\*`, `a\ a\b`, "a"},
		{"?{x,y}", "z{x,y}", "zx"}, {"??", "ü", "u"}, {"*a*b*a", "aba xayybaa", "abb ab"},
	} {
		g, err := newGlob(tc.pattern)
		if err != nil {
			t.Errorf("%s: %v", tc.pattern, err)
		}
		for name := range strings.FieldsSeq(tc.matches) {
			if !g.match(name) {
				t.Errorf("%s does not match %s", tc.pattern, name)
			}
		}
		for name := range strings.FieldsSeq(tc.others) {
			if g.match(name) {
				t.Errorf("%s matches %s", tc.pattern, name)
			}
		}
	}
	for _, bad := range []string{"[", "a[", "[]", "[^", "*[a", `*\`, `\`, "[b-a]", "[x]*[c-a]"} {
		if _, err := newGlob(bad); err == nil || !strings.Contains(err.Error(), "invalid glob pattern") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// A pattern of a hostile map takes no time that matters: with one that is tried in all ways this would not end.
func TestGlobTime(t *testing.T) {
	for _, pattern := range []string{strings.Repeat("*a", 20000) + "b", strings.Repeat("*", 100000) + "b", "*" + strings.Repeat("a", 100) + "b"} {
		g, err := newGlob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if g.match(strings.Repeat("a", 30000)) {
			t.Errorf("%.20s… matches", pattern)
		}
	}
}

// What LLD opens in the place of names is what we say, whatever is in patterns and names.
func TestGlobAsLLD(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 6))
	word := func(letters string, n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(letters[random.IntN(len(letters))])
		}
		return b.String()
	}
	names := []string{"a", "b", "a-b", "[a]", "]", `a\b`, `\`, "a*b", "ä", "{a,b}", "a b", "a/b", "-/-", "!", "^", "a?b", "a[", "ab]", "bab", "aabb"}
	for range 60 {
		names = append(names, "b"+word(`aab-[]\*?!^/`, 1+random.IntN(4)))
	}
	names = slices.DeleteFunc(names, func(s string) bool { return s[0] == '-' })
	patterns := []string{"a*b", `a\*b`, "[]]", "[!]]", "[!]", "[^]", "[]", `a[\]b`, "b[a-]*", "?/?", `a\b`, "ä", "{a,b}", "?{a,b}*", "[b-a]", "[a-b-]*"}
	for range 40 {
		patterns = append(patterns, word(`aab-[]]**\?!^/`, 1+random.IntN(6)))
	}
	for _, version := range []string{"19", "22"} {
		for _, pattern := range patterns {
			out, _ := llvmtest.TryRun(t, t.TempDir(), "ld.lld-"+version, append([]string{"--verbose", "--error-limit=0", "--remap-inputs=" + pattern + "=HIT"}, names...)...)
			r, err := NewRemap([]RemapEntry{{pattern, "HIT"}})
			_, message, refused := strings.Cut(out, "error: --remap-inputs: ")
			if refused != (err != nil) {
				t.Errorf("LLD %s, %s: %v, LLD says %.60s", version, pattern, err, message)
			}
			if refused || err != nil {
				continue
			}
			for i, want := range opened(out) {
				if got, _ := r.To(names[i]); got != want {
					t.Errorf("LLD %s, %s: %s is %s, want %s", version, pattern, names[i], got, want)
				}
			}
		}
	}
}

// opened are the files that LLD says, for --verbose, that it opens.
func opened(out string) []string {
	var files []string
	for line := range strings.Lines(out) {
		_, file, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if strings.HasPrefix(line, "ld.lld") && !strings.HasPrefix(file, "error: ") {
			files = append(files, file)
		}
	}
	return files
}

// matchSlowly is what patterns mean, one token after the other.
func matchSlowly(pattern, name string) bool {
	at := make([]bool, len(name)+1) // where a match of the pattern so far can end
	at[0] = true
	for pattern != "" {
		n := tokenSize(pattern)
		next := make([]bool, len(at))
		for i := range at {
			if pattern[0] == '*' {
				next[i] = at[i] || i > 0 && next[i-1]
			} else {
				next[i] = i > 0 && at[i-1] && matchByte(pattern[:n], name[i-1])
			}
		}
		at, pattern = next, pattern[n:]
	}
	return at[len(name)]
}

func FuzzGlob(f *testing.F) {
	f.Add("a*[!b-d]?", "axxez")
	f.Add(`\**[]]`, "*]]")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		g, err := newGlob(pattern)
		if err != nil || len(pattern) > 1000 || len(name) > 1000 {
			return
		}
		if got, want := g.match(name), matchSlowly(pattern, name); got != want {
			t.Errorf("%q matches %q: %v, want %v", pattern, name, got, want)
		}
	})
}
