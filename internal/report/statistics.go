// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// PrintStatistics prints, in one Write, a table of what became of a link, for people.
func PrintStatistics(w io.Writer, e *End) {
	var t table
	fmt.Fprintf(&t, "link of %s\n", visible(e.Output))
	if e.Error != "" {
		fmt.Fprintf(&t, "failed: %s\n", inOneLine(e.Error))
	}
	t.jobs(e)
	t.times(e)
	t.machine(e)
	if e.Cluster != nil {
		t.traffic(e.Cluster)
	}
	_, _ = w.Write([]byte(t.String()))
}

// A table has lines of a name, a figure and a note.
type table struct{ strings.Builder }

func (t *table) row(name string, figure any, note string) {
	line := fmt.Sprintf("%-27s %12v   %s", name, figure, note)
	t.WriteString(strings.TrimRight(line, " ") + "\n")
}

// jobs has a line for each thing that became of some. Without those there are nothing
// but the two that everybody looks for.
func (t *table) jobs(e *End) {
	t.row("jobs", e.Jobs, "")
	t.share("  cached here", e.Cached, e.Jobs)
	t.share("  compiled here", e.Compiled, e.Jobs)
	t.some("    result not kept", e.NotKept, inOneLine(e.WhyNot))
	if u := e.Cluster; u != nil {
		t.share("  cached on the cluster", u.Cached, e.Jobs)
		t.share("  compiled on the cluster", u.Compiled, e.Jobs)
	}
	t.some("  failed", e.Failed, "")
	t.some("  not run", e.NotRun, "")
}

func (t *table) share(name string, n, of int) {
	note := ""
	if of > 0 {
		note = fmt.Sprintf("%.0f%%", 100*float64(n)/float64(of))
	}
	t.row(name, n, note)
}

func (t *table) some(name string, n int, note string) {
	if n != 0 {
		t.row(name, n, note)
	}
}

func (t *table) times(e *End) {
	t.row("time", e.Wall.text(), "")
	for _, p := range e.Phases {
		t.row("  "+visible(p.Phase), (p.End - p.Start).text(), "from "+p.Start.text())
	}
	t.row("saved by caches", e.Saved.text(), "what compiling the cached ones took when it was done")
	t.row("processor time", (e.CPU + e.OwnCPU).text(), "here")
	t.row("  in compilers", e.CPU.text(), "")
	t.row("  in dtlto", e.OwnCPU.text(), "")
}

func (t *table) machine(e *End) {
	note := "here"
	if e.HeldBack > 0 {
		note = fmt.Sprintf("here; %d waited for memory", e.HeldBack)
	}
	t.row("compiles at once, up to", e.PeakSlots, note)
	if u := e.Cluster; u != nil {
		note = "on the cluster"
		if u.Undone > 0 {
			note = fmt.Sprintf("on the cluster; %d came back undone", u.Undone)
		}
		t.row("", u.PeakSlots, note)
	}
	if e.Memory > 0 {
		t.row("memory of a compiler, up to", megabytes(e.Memory), "")
	}
}

func (t *table) traffic(u *ClusterUse) {
	note := ""
	if u.Retries > 0 {
		note = fmt.Sprintf("%d again after a failure", u.Retries)
	}
	t.row("calls to the cluster", u.Calls, note)
	t.row("  sent", megabytes(u.Sent), fmt.Sprintf("%d blobs", u.Uploaded))
	t.row("  received", megabytes(u.Received), fmt.Sprintf("%d blobs", u.Fetched))
}

func (s Seconds) text() string { return fmt.Sprintf("%.3f s", time.Duration(s).Seconds()) }

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// inOneLine is the first line of words, and how many more there are. Those that say nothing
// do not count.
func inOneLine(s string) string {
	first, more := "", 0
	for line := range strings.Lines(s) {
		switch line = strings.TrimSpace(line); {
		case line == "":
		case first == "":
			first = visible(line)
		default:
			more++
		}
	}
	if more == 0 {
		return first
	}
	return fmt.Sprintf("%s (and %d more)", first, more)
}

// visible is a name in which nothing moves a terminal's cursor.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}
