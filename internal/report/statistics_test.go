// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"bytes"
	"strings"
	"testing"
)

func TestPrintStatistics(t *testing.T) {
	link := smallLink()
	var b bytes.Buffer
	PrintStatistics(&b, link[len(link)-1].e.(*End))
	const want = `
link of /b/app
jobs                                   4
  cached here                          1   25%
  compiled here                        2   50%
    result not kept                    1   the cache is full
  cached on the cluster                0   0%
  compiled on the cluster              1   25%
time                             0.090 s
  thin link                      0.018 s   from 0.002 s
  compile                        0.050 s   from 0.021 s
saved by caches                  0.900 s   what compiling the cached ones took when it was done
processor time                   0.070 s   here
  in compilers                   0.065 s
  in dtlto                       0.005 s
compiles at once, up to                2   here; 1 waited for memory
                                       2   on the cluster; 1 came back undone
memory of a compiler, up to       0.0 MB
calls to the cluster                   9   1 again after a failure
  sent                            4.0 MB   5 blobs
  received                        2.0 MB   1 blobs
`
	if got := "\n" + b.String(); got != want {
		t.Errorf("%s\nwant%s", got, want)
	}
}

// A link with nothing to say has no lines that say nothing, and no name moves the cursor.
func TestPrintStatisticsOfLittle(t *testing.T) {
	var b counting
	b.fail = 2
	PrintStatistics(&b, &End{Output: "a\x1b[2Jb\u202e", Error: "interrupted"})
	got := b.String()
	if b.writes != 1 || !strings.HasPrefix(got, "link of a?[2Jb?\nfailed: interrupted\njobs ") {
		t.Errorf("%d writes: %q", b.writes, got)
	}
	for _, not := range []string{"cluster", "memory", "not run", "%", " \n"} {
		if strings.Contains(got, not) {
			t.Errorf("%q in\n%s", not, got)
		}
	}
}

// An error of several lines is one line of the table.
func TestPrintStatisticsOfErrors(t *testing.T) {
	for words, want := range map[string]string{
		"one":                        "one",
		"one\n":                      "one",
		"one\ntwo":                   "one (and 1 more)",
		"\r\n one\r\n\n\ttwo\nthree": "one (and 2 more)",
		"o\rne\x1b[2J\n\x1b[2J":      "o?ne?[2J (and 1 more)",
		"\n\n":                       "",
	} {
		var b strings.Builder
		PrintStatistics(&b, &End{Output: "a\nb", Error: words, NotKept: 1, WhyNot: words})
		got := b.String()
		if !strings.HasPrefix(got, "link of a?b\nfailed: "+want+"\njobs ") ||
			!strings.Contains(got, strings.TrimRight("    result not kept                    1   "+want, " ")+"\n") {
			t.Errorf("%q: not %q in\n%s", words, want, got)
		}
	}
}
