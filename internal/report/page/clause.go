// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package page

import "strings"

// pattern is a form that clauses about a module have, with something in the place of
// '%', and the group of reasons that it belongs to. If a module has several, the group
// that comes first in the page's script is its reason.
type pattern struct {
	Form  string `json:"form"`
	Group string `json:"group"`
	// Module says that what is in the place of '%' is a module.
	Module bool `json:"module,omitzero"`
}

// patterns are tried in this order; the last fits everything. The forms are those of
// internal/record, which a test compares.
var patterns = [...]pattern{
	{Form: "the compiler is another one", Group: "compiler"},
	{Form: "the argument %", Group: "options"},
	{Form: "the arguments are in another order", Group: "options"},
	{Form: "the environment variable %", Group: "options"},
	{Form: "its own bitcode has changed", Group: "own"},
	{Form: "%, from which it imports, has changed", Group: "import", Module: true},
	{Form: "it now imports from %", Group: "imports", Module: true},
	{Form: "it no longer imports from %", Group: "imports", Module: true},
	{Form: "the names of the modules that it imports from sort in another order%", Group: "imports"},
	{Form: "%, which the compiler reads, is new", Group: "file"},
	{Form: "%, which the compiler read, is gone", Group: "file"},
	{Form: "%, which the compiler reads, has changed", Group: "file"},
	{Form: "its summary index has changed as well", Group: "index"},
	{Form: "only its summary index has changed%", Group: "index"},
	{Form: "no earlier compile of it is on record", Group: "first"},
	{Form: "nothing has changed, and its result was not to be had%", Group: "lost"},
	{Form: "nothing has changed", Group: "unkept"},
	{Form: "its result could not be kept%", Group: "unkept"},
	{Form: "%", Group: "other"},
}

// subject is what stands in the place of '%' in a clause of the pattern's form.
func (p pattern) subject(clause string) (string, bool) {
	before, after, some := strings.Cut(p.Form, "%")
	if !some {
		return "", clause == p.Form
	}
	if len(clause) < len(before)+len(after) || !strings.HasPrefix(clause, before) || !strings.HasSuffix(clause, after) {
		return "", false
	}
	return clause[len(before) : len(clause)-len(after)], true
}

// clauseNumbers numbers clauses. Where thousands of modules are compiled because of
// each other, most name a module, and nothing else needs to be written of them.
type clauseNumbers struct {
	places  map[string]int // of modules, by name
	numbers map[string]int
	table   *clauseTable
}

func (c *clauseNumbers) number(clause string) int {
	n, ok := c.numbers[clause]
	if !ok {
		n = len(c.table.Pattern)
		c.numbers[clause] = n
		c.add(clause)
	}
	return n
}

func (c *clauseNumbers) add(clause string) {
	for i, p := range patterns {
		subject, ok := p.subject(clause)
		if !ok {
			continue
		}
		about, text := -1, printable(clause)
		if place, ok := c.places[subject]; ok && p.Module {
			about, text = place, ""
		}
		c.table.Pattern = append(c.table.Pattern, i)
		c.table.About = append(c.table.About, about)
		c.table.Text = append(c.table.Text, text)
		return
	}
}
