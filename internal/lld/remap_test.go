// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

func TestReadRemap(t *testing.T) {
	t.Chdir(t.TempDir())
	llvmtest.Write(t, ".", "map", "# a.o=no\n\n  a.o=file \r\n\tc*=glob\n", "other", "a.o=other\nc1*=late\n", "moved", "other=map\n",
		"blanks", "a.o =b\n c.o= d\n", "bad", "# x\n\na=b\nbad\n", "class", "a[=b\n", "equals", "a=b=c", "nul", "a.o=b\x00\n", "spaces", "a.o=x\v\f\n")
	for _, tc := range []struct {
		line string
		want map[string]string
		err  string
	}{
		{"--remap-inputs=a.o=b.o --remap-inputs a.o=c.o", map[string]string{"a.o": "c.o", "./a.o": "", "c.o": ""}, ""},
		{"--remap-inputs=a*=x --remap-inputs=a?o=y --remap-inputs=a.o=z", map[string]string{"a.o": "z", "a_o": "x"}, ""},
		{"--remap-inputs-file=map --remap-inputs=a.o=option --remap-inputs=c1*=option", map[string]string{"a.o": "file", "c1": "option", "c2": "glob"}, ""},
		{"--remap-inputs-file=map --remap-inputs-file=other", map[string]string{"a.o": "other", "c1": "glob"}, ""},
		{"--remap-inputs-file=moved --remap-inputs-file=other", map[string]string{"a.o": "file"}, ""},
		{"--remap-inputs-file=map --remap-inputs=map=other", map[string]string{"a.o": "other", "c1": "late"}, ""},
		{"--remap-inputs-file=/dev/null", map[string]string{"a.o": ""}, ""},
		{"--remap-inputs-file=blanks", map[string]string{"a.o": "", "a.o ": "b", "c.o": " d"}, ""},
		{"--remap-inputs-file=nul --remap-inputs-file=spaces", map[string]string{"a.o": "x"}, ""},
		{`--remap-inputs=a\b=x --remap-inputs=a\*=y`, map[string]string{`a\b`: "x", "a*": "y", "ab": ""}, ""},
		{"--remap-inputs==x", map[string]string{"": "x"}, ""},
		{"--remap-inputs=a.o=a.o", map[string]string{"a.o": "a.o"}, ""},
		{"--remap-inputs=bad", nil, "--remap-inputs=bad: parse error, not 'from-glob=to-file'"},
		{"--remap-inputs=a=", nil, "--remap-inputs=a=: parse error"}, {"--remap-inputs=", nil, "--remap-inputs=: parse error"},
		{"--remap-inputs=a[=b", nil, "--remap-inputs=a[=b: invalid glob pattern, unmatched '[': a["},
		{"--remap-inputs-file=bad", nil, "bad:4: parse error, not 'from-glob=to-file'"},
		{"--remap-inputs-file=class", nil, "class:1: invalid glob pattern, unmatched '[': a["},
		{"--remap-inputs-file=equals", nil, "equals:1: parse error"},
		{"--remap-inputs-file=missing", nil, "missing: cannot be read: "}, {"--remap-inputs-file=.", nil, ".: cannot be read: not a regular file"},
		{"a.o -remap-inputs=a.o=b", nil, ""}, // LLD refuses that
	} {
		r, err := command(tc.line).ReadRemap()
		if message := errorText(err); !strings.HasPrefix(message, tc.err) || tc.err == "" && err != nil {
			t.Errorf("%s: %v, want %s", tc.line, err, tc.err)
		}
		if tc.want == nil && r != nil {
			t.Errorf("%s: %v", tc.line, r)
		}
		for path, want := range tc.want {
			if got, ok := r.To(path); ok != (want != "") || ok && got != want || !ok && got != path {
				t.Errorf("%s: %q is %q, want %q", tc.line, path, got, want)
			}
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// The same files are read, and refused, by LLD.
func TestReadRemapAsLLD(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, text := range []string{"", "a.o=b.o", "a.o=b.o\r\n#x\r\n", " a.o = b.o", "a.o=b.o\na.o=c.o", "*=b.o\n?.o=c.o\n", "*=b.o\na.o=c.o", "a.o=\n",
		"a.o", "=", "=x\na.o=b.o", "a.o=b=c", "#a.o=b.o", "\v\fa.o=b.o\t", "[a]*\\=b", "\xef\xbb\xbfa.o=b.o", "a.o=b.o\x00", "\\a.o=b.o", "a\\.[o]=b.o", "a.o=*", "\ra.o=b.o\rx=y"} {
		llvmtest.Write(t, ".", "map", text)
		for _, version := range []string{"19", "22"} {
			out, _ := llvmtest.TryRun(t, ".", "ld.lld-"+version, "--verbose", "--remap-inputs-file=map", "a.o")
			r, err := command("--remap-inputs-file=map").ReadRemap()
			if refused := strings.Contains(out, "error: map:"); refused != (err != nil) {
				t.Errorf("LLD %s, %q: %v, LLD says %s", version, text, err, out)
			}
			if err != nil {
				continue
			}
			if to, _ := r.To("a.o"); !slices.Equal(opened(out), []string{"map", to}) {
				t.Errorf("LLD %s, %q: %q, LLD opens %q", version, text, to, opened(out))
			}
		}
	}
}

func TestRemappedInputs(t *testing.T) {
	t.Chdir(t.TempDir())
	const elf = "\x7fELF"
	for _, file := range []string{"a.o", "b.o", "lib/liba.so", "lib/liba.a", "lib/libb.a", "S/lib/c.o", "dir/a.o"} {
		llvmtest.Write(t, ".", file, elf)
	}
	llvmtest.Write(t, ".", "list", "GROUP(a.o AS_NEEDED(-la) libb.a)", "dir/list", "INPUT(a.o)", "S/list", "INPUT(/lib/c.o =/lib/c.o)", "commands", "x = 1;", "thin.a", "!<thin>\n")
	for _, tc := range []struct {
		line  string
		remap []RemapEntry
		want  []string
		files []string // if they are other than want's
	}{
		{"a.o --as-needed a.o b.o", []RemapEntry{{"a.o", "x.o"}}, []string{"x.o", "x.o as-needed", "b.o as-needed"}, []string{"x.o", "x.o", "b.o"}},
		{"a.o b.o", []RemapEntry{{"*", "x.o"}, {"x.o", "y.o"}}, []string{"x.o", "x.o"}, nil},
		{"a.o b.o /dev/null", []RemapEntry{{"a.o", "/dev/null"}}, []string{"b.o"}, nil},
		{"-b binary a.o --just-symbols=b.o", []RemapEntry{{"?.o", "/dev/null"}}, []string{"/dev/null binary", "/dev/null binary just"}, []string{}},
		{"-Llib -la -Bstatic -la -lb -lmissing", []RemapEntry{{"lib/liba.*", "x"}, {"libb.a", "y"}}, []string{"x", "x static", "lib/libb.a static :libb.a"},
			[]string{"x", "x", "lib/libb.a"}},
		{"-Llib list", []RemapEntry{{"a.o", "x.o"}, {"lib/liba.so", "y.so"}, {"lib/libb.a", "z.a"}}, []string{"list list", "x.o", "y.so as-needed", "z.a"}, []string{"list"}},
		{"-Llib list", []RemapEntry{{"lib/*", "/dev/null"}}, []string{"list list", "a.o"}, []string{"list"}},
		{"list", []RemapEntry{{"list", "dir/list"}}, []string{"dir/list list", "dir/a.o"}, []string{"dir/list"}},
		{"dir/list", []RemapEntry{{"a.o", "x.o"}}, []string{"dir/list list", "dir/a.o"}, []string{"dir/list"}},
		{"--sysroot=S S/list", []RemapEntry{{"S/lib/c.o", "x"}, {"/lib/c.o", "y"}}, []string{"S/list list", "x", "S//lib/c.o"}, []string{"S/list"}},
		{"-T nothing", []RemapEntry{{"nothing", "commands"}}, nil, []string{}},
		{"-T commands b.o", []RemapEntry{{"commands", "other"}}, []string{"b.o"}, []string{"other", "b.o"}},
	} {
		c := command(tc.line)
		c.OpenedFiles() // which has the inputs remembered
		r, err := NewRemap(tc.remap)
		if err != nil {
			t.Fatal(err)
		}
		c.SetRemap(r)
		var got, files []string
		for in, err := range c.Inputs() {
			if err != nil {
				t.Errorf("%s: %v", tc.line, err)
			}
			got = append(got, describe(in))
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s:\n%s", tc.line, diff)
		}
		if tc.files == nil {
			tc.files = tc.want
		}
		for path := range c.InputFiles() {
			files = append(files, path)
		}
		if !slices.Equal(files, tc.files) {
			t.Errorf("%s: files %q, want %q", tc.line, files, tc.files)
		}
	}
}

func TestFindRemappedThinLTO(t *testing.T) {
	scanFolder(t)
	for _, tc := range []struct{ line, remap, want string }{
		{"native.o full.o", "full.o=thin.o", "thin.o"}, {"thin.o", "thin.o=native.o", ""}, {"thin.o native.o", "thin.o=/dev/null", ""},
		{"-Llib -lnative", "lib/libnative.a=lib/libthin.a", "lib/libthin.a"}, {"plain.ld", "native.o=thin.o", "thin.o"},
		{"include.ld", "lib/inner.ld=plain.ld", ""}, {"include.ld", "thin.o=native.o", ""}, {"thinarchive.a", "thin19.o=native.o", "thin19.o"},
	} {
		c := command(tc.line + " --remap-inputs=" + tc.remap)
		r, err := c.ReadRemap()
		if err != nil {
			t.Fatal(err)
		}
		c.SetRemap(r)
		if got := c.FindThinLTO().File; got != tc.want {
			t.Errorf("%s with %s: %q, want %q", tc.line, tc.remap, got, tc.want)
		}
	}
}

func FuzzReadRemap(f *testing.F) {
	f.Add("a.o=b.o\n# x\n[a]*=c\n", "a.o")
	f.Fuzz(func(t *testing.T, text, path string) {
		r := &Remap{names: map[string]string{}}
		if err := r.addText("map", text); err != nil {
			if !strings.HasPrefix(err.Error(), "map:") {
				t.Error(err)
			}
			return
		}
		if to, ok := r.To(path); to != path && !ok || ok && !strings.Contains(text, "="+to) {
			t.Errorf("%q is %q", path, to)
		}
	})
}

func TestRemapLimits(t *testing.T) {
	t.Chdir(t.TempDir())
	f, err := os.Create("large")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(maxRemap + 1); err != nil {
		t.Fatal(err)
	}
	if _, err := command("--remap-inputs-file=large").ReadRemap(); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Error(err)
	}
}
