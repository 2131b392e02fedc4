// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"strings"
	"testing"
)

func TestPlaces(t *testing.T) {
	for _, test := range []struct{ option, file, index, object, err string }{
		{"thin;obj", "thin/b.o", "obj/b.o", "obj/b.o", ""},
		{"thin;index;obj", "thin/b.o", "index/b.o", "obj/b.o", ""},
		{"thin/;index/;obj/x/", "thin/./s/b.o", "index/s/b.o", "obj/x/s/b.o", ""},
		{";lto/", "a.o", "lto/a.o", "lto/a.o", ""},
		{";lto/", "./a.o", "lto/a.o", "lto/a.o", ""},
		{";lto/", "/abs/a.o", "lto/abs/a.o", "lto/abs/a.o", ""},
		{";/tmp/x/", "sub/a.o", "/tmp/x/sub/a.o", "/tmp/x/sub/a.o", ""},
		{";x-", "a.o", "x-a.o", "x-a.o", ""},
		{"../src;..", "../src/a.o", "../a.o", "../a.o", ""},
		{"src/;", "src/a.o", "a.o", "a.o", ""},
		{";lto/", "s/../a.o", "lto/a.o", "lto/a.o", ""},

		{"thin;obj", "lib/b.o", "", "", "lib/b.o does not begin with thin"},
		{";lto/", "../a.o", "", "", "../a.o would have files outside of lto/"},
		{";lto/", "s/../../a.o", "", "", "outside of lto/"},
		{"thin;obj", "thin/../a.o", "", "", "outside of obj"},
		{"thin;obj", "thin/../obj2/a.o", "", "", "outside of obj"},
		{"src/;", "src/../a.o", "", "", "outside of "},
		{";in/;out/", "../a.o", "", "", "outside of in/"},
		{";x-", "s/../../a.o", "", "", "outside of x-"},
	} {
		p, err := ReadCommand([]string{"--thinlto-prefix-replace=" + test.option}).Places()
		if err != nil {
			t.Fatalf("%s: %v", test.option, err)
		}
		index, err := p.Index(test.file)
		if err == nil {
			var object string
			if object, err = p.Object(test.file); index != test.index || object != test.object {
				t.Errorf("%s: %s goes to %s and %s", test.option, test.file, index, object)
			}
		}
		if got := messageOf(err); test.err == "" && got != "" || !strings.Contains(got, test.err) {
			t.Errorf("%s: %s: %q, want %q", test.option, test.file, got, test.err)
		}
	}
	for _, option := range []string{"", "obj", "a;b;c;d"} {
		if _, err := ReadCommand([]string{"--thinlto-prefix-replace=" + option}).Places(); err == nil {
			t.Errorf("%q is no error", option)
		}
	}
}

func messageOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestWhole(t *testing.T) {
	c := ReadCommand([]string{"--thinlto-object-suffix-replace=.min.o;.o"})
	for file, want := range map[string]string{"a.min.o": "a.o", "a.o": "a.o", "x.min.o/a.min.o": "x.min.o/a.o", "": ""} {
		if got, _ := c.whole(file); got != want {
			t.Errorf("%s stands for %s, want %s", file, got, want)
		}
	}
	if name, replaced := ReadCommand(nil).whole("a.min.o"); replaced || name != "a.min.o" {
		t.Error("replaced without the option")
	}
}

func TestResolution(t *testing.T) {
	thin := ReadCommand([]string{"-shared", "-o", "a.so", "--version-script=v", "-flto-x", "--thinlto-index=m", "--lto-O3", "a.o", "-u", "foo"})
	final := ReadCommand([]string{"--undefined=foo", "--shared", "--version-script", "v", "-o", "b.so", "--remap-inputs-file=m", "a.o", "--build-id"})
	if got, want := strings.Join(final.Resolution(), " "), strings.Join(thin.Resolution(), " "); got != want {
		t.Errorf("%s is not %s", got, want)
	}
	other := ReadCommand([]string{"-shared", "a.o", "--version-script=w", "-u", "foo"})
	if strings.Join(other.Resolution(), " ") == strings.Join(thin.Resolution(), " ") {
		t.Error("another version script makes no difference")
	}
}
