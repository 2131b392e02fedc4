// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// shownLines is how many elements of a list people get to see; JSON has all.
const shownLines = 20

// plain is a name from a file, fit to be printed: what a terminal might take for a
// command is escaped.
func plain(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		return strconv.Quote(name)
	}
	return name
}

func plainAll(names []string) string {
	shown := make([]string, len(names))
	for k, name := range names {
		shown[k] = plain(name)
	}
	return strings.Join(shown, " ")
}

// sheet is what is printed for people: a word in front of each line.
type sheet struct{ w io.Writer }

func (p sheet) line(word, format string, args ...any) {
	fmt.Fprintf(p.w, "  %-10s %s\n", word, fmt.Sprintf(format, args...))
}

// text is line for what there may be.
func (p sheet) text(word, text string) {
	if text != "" {
		p.line(word, "%s", text)
	}
}

// more says how many elements of a list are not shown.
func (p sheet) more(all int) {
	if all > shownLines {
		p.line("", "… and %d more (--json has them)", all-shownLines)
	}
}

// many is a number of things.
func many(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func first[T any](list []T) []T { return list[:min(len(list), shownLines)] }

// print says what was found.
func (found *inspection) print(w io.Writer) {
	p := sheet{w}
	fmt.Fprintf(w, "%s: %s (%s)\n", plain(found.File), found.What, size(found.Size))
	p.text("has", found.Contents)
	if e := found.Entry; e != nil {
		p.line("cache", "%s %s, %s", e.Kind, e.Digest, map[bool]string{true: "good", false: "damaged"}[e.Good])
	}
	for _, facts := range []interface{ print(sheet) }{
		found.Bitcode, found.Index, found.Archive, found.Jobs, found.Map, found.Result, found.Link, found.Events,
	} {
		facts.print(p)
	}
	for _, name := range first(found.Imports) {
		p.line("import", "%s", plain(name))
	}
	p.more(len(found.Imports))
	p.text("problem", plain(found.Problem))
}

func (b *bitcodeFacts) print(p sheet) {
	if b == nil {
		return
	}
	p.text("made by", plain(b.Producer))
	for _, m := range b.Modules[:min(len(b.Modules), shownLines)] {
		p.text("target", plain(m.Triple))
		p.text("source", plain(m.Source))
		if len(b.Modules) > 1 {
			p.line("LTO", "%s", m.LTO)
		}
		p.text("hash", m.Hash)
		if m.SplitUnit {
			p.line("unit", "may be split (-fsplit-lto-unit)")
		}
	}
	p.more(len(b.Modules))
	if s := b.Symbols; s != nil {
		p.line("symbols", "%d defined (%d of them hidden), %d undefined", s.Defined, s.Hidden, s.Undefined)
	}
	if b.PICLevel != nil {
		p.text("code", map[uint64]string{0: "not position-independent", 1: "position-independent (-fpic, -fpie)", 2: "position-independent (-fPIC, -fPIE)"}[*b.PICLevel])
	}
	if b.PartialProfile {
		p.line("profile", "of a part of the program")
	}
}

func (x *indexFacts) print(p sheet) {
	if x == nil {
		return
	}
	if x.SummaryVersion > 0 {
		p.line("summary", "version %d, as LLVM %s writes it", x.SummaryVersion, x.LLVM)
	}
	p.text("link", x.Flags)
	for _, m := range x.Modules[:min(len(x.Modules), shownLines)] {
		word := "module"
		if m.Own {
			word = "of"
		}
		p.line(word, "%s: %s", plain(m.Path), m.words())
	}
	p.more(len(x.Modules))
	switch x.Canonical {
	case "already":
		p.line("canonical", "yes, it is in its canonical form")
	case "possible":
		p.line("canonical", "it has a canonical form, and is as the linker wrote it")
	default:
		p.line("canonical", "no: %s; its module may be compiled again without need", x.WhyNot)
	}
}

// words counts what the shard has of a module, and names some.
func (m *indexModule) words() string {
	words := many(m.Functions, "function") + ", " + many(m.Variables, "variable")
	if m.Aliases > 0 {
		words += ", " + fmt.Sprintf("%d by another name", m.Aliases)
	}
	if m.Declarations > 0 {
		words += fmt.Sprintf(", %d only declared", m.Declarations)
	}
	if m.Dead > 0 {
		words += fmt.Sprintf(", %d dead", m.Dead)
	}
	const some = 5
	var names []string
	for _, s := range m.Symbols {
		if s.Name != "" && len(names) <= some {
			names = append(names, s.Name)
		}
	}
	if len(names) > some {
		names[some] = "…"
	}
	if len(names) > 0 {
		words += ": " + plainAll(names)
	}
	return words
}

func (a *archiveFacts) print(p sheet) {
	if a == nil {
		return
	}
	p.line("members", "%d: %d with bitcode (%d ThinLTO), %d native, %d others", a.Members, a.Bitcode, a.ThinLTO, a.Native, a.Other)
	if a.Missing > 0 {
		p.line("missing", "%d: the files that the archive names cannot be read from here", a.Missing)
	}
	if len(a.LLVM) > 0 {
		p.line("made by", "LLVM %s", strings.Trim(fmt.Sprint(a.LLVM), "[]"))
	}
	for _, m := range first(a.List) {
		words := m.Kind
		if m.FatLTO {
			words += " with bitcode (FatLTO)"
		}
		if m.LLVM > 0 {
			words += fmt.Sprintf(", LLVM %d", m.LLVM)
		}
		if m.LTO != "" {
			words += ", " + map[string]string{"thin": "ThinLTO", "regular": "regular LTO", "none": "no summary"}[m.LTO]
		}
		p.line("", "%s at %d: %s, %s", plain(m.Name), m.Offset, words, size(m.Size))
	}
	p.more(a.Members)
}

func (j *jobFacts) print(p sheet) {
	if j == nil {
		return
	}
	p.line("output", "%s", plain(j.Output))
	p.line("compiler", "%s", plain(j.Compiler))
	p.text("arguments", plainAll(j.Args))
	p.text("inputs", plainAll(first(j.Inputs)))
	p.line("jobs", "%d, with %s in all", j.Jobs, many(j.Imports, "import"))
	for _, job := range first(j.List) {
		p.line("", "%s, %s → %s", plain(job.Module), many(job.Imports, "import"), plain(job.Object))
	}
	p.more(j.Jobs)
}

func (m *mapFacts) print(p sheet) {
	if m == nil {
		return
	}
	if m.Version > 0 {
		p.line("thin link", "of LLVM %d, in dtlto's version %d; it loaded %d files and members", m.LLVM, m.Version, m.Loaded)
		p.text("options", plainAll(m.Options))
	}
	p.line("entries", "%d inputs to replace", m.Entries)
	if m.Jobs > 0 {
		p.line("jobs", "%d backend compiles, %d of them for modules that the link does not use", m.Jobs, m.Unused)
	}
	for _, job := range first(m.List) {
		p.line("", "%s, %s → %s", plain(job.Module), many(job.Imports, "import"), plain(job.Object))
	}
	p.more(m.Jobs)
	p.text("added", plainAll(m.Added))
}

func (r *resultFacts) print(p sheet) {
	if r == nil {
		return
	}
	p.line("action", "%s", r.Action)
	p.line("took", "%s where it was compiled", seconds(time.Duration(r.Took)))
	for _, output := range r.Outputs {
		there := ""
		if !output.There {
			there = ", which is not in this cache: the result is not found"
		}
		p.line("output", "%s: %s%s", plain(output.Name), output.Digest, there)
	}
	for line := range strings.Lines(r.Messages) {
		p.line("message", "%s", plain(strings.TrimSuffix(line, "\n")))
	}
}

func (l *linkFacts) print(p sheet) {
	if l == nil {
		return
	}
	p.line("link of", "%s, in %s", plain(l.Output), plain(l.Folder))
	p.line("when", "%s, in %s", l.Started.Local().Format(time.DateTime), seconds(time.Duration(l.Wall)))
	p.text("by", plain(l.Tool))
	p.text("mode", plain(l.Mode))
	p.text("cluster", plain(l.Cluster))
	p.line("compiler", "%s", plain(l.Compiler))
	var outcomes []string
	for _, outcome := range slices.Sorted(maps.Keys(l.Outcomes)) {
		outcomes = append(outcomes, fmt.Sprintf("%d %s", l.Outcomes[outcome], outcome))
	}
	p.line("jobs", "%d: %s", l.Jobs, strings.Join(outcomes, ", "))
	if l.Slowest != "" {
		p.line("slowest", "%s, %s", plain(l.Slowest), seconds(time.Duration(l.Took)))
	}
	p.line("remembers", "the digests of %s, for the next link", count(l.Files, "file"))
	p.line("see", "dtlto explain %[1]s, dtlto report %[1]s", plain(l.Output))
}

func (f *eventFacts) print(p sheet) {
	if f == nil {
		return
	}
	p.line("links", "%d, of which %d have not ended; schema %d", f.Links, f.Running, f.Schema)
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(f.Kinds)) {
		kinds = append(kinds, fmt.Sprintf("%d %s", f.Kinds[kind], plain(kind)))
	}
	p.line("events", "%s", strings.Join(kinds, ", "))
	if f.Damaged > 0 {
		p.line("damaged", "%d lines are no events", f.Damaged)
	}
	if f.Last.Output != "" {
		p.line("last", "%s, begun %s", plain(f.Last.Output), plain(f.Last.Time))
	}
}
