// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package record

import (
	"fmt"
	"strings"
)

// String says it in words, as a clause about the module.
func (d Difference) String() string {
	if words := d.What.words(); words != "" {
		return strings.ReplaceAll(words, "%", d.Name)
	}
	switch d.What {
	case ArgumentChanged:
		return fmt.Sprintf("the argument %s has become %s", d.Before, d.After)
	case VariableAdded:
		return fmt.Sprintf("the environment variable %s=%s is new", d.Name, d.After)
	case VariableRemoved:
		return fmt.Sprintf("the environment variable %s=%s is gone", d.Name, d.Before)
	case VariableChanged:
		return fmt.Sprintf("the environment variable %s was %q and is %q", d.Name, d.Before, d.After)
	}
	return fmt.Sprintf("change %d", uint8(d.What))
}

// clauses have the name in the place of '%'.
var clauses = [...]string{
	CompilerChanged: "the compiler is another one",
	ArgumentAdded:   "the argument % is new",
	ArgumentRemoved: "the argument % is gone",
	ArgumentsMoved:  "the arguments are in another order",
	ModuleChanged:   "its own bitcode has changed",
	ImportAdded:     "it now imports from %",
	ImportRemoved:   "it no longer imports from %",
	ImportChanged:   "%, from which it imports, has changed",
	ModulesMoved:    "the names of the modules that it imports from sort in another order, in which LLVM imports",
	FileAdded:       "%, which the compiler reads, is new",
	FileRemoved:     "%, which the compiler read, is gone",
	FileChanged:     "%, which the compiler reads, has changed",
	IndexChanged:    "its summary index has changed as well",
	OnlyIndexChanged: "only its summary index has changed: what other modules need of it, " +
		"or what the link found out about what it uses",
	UnrecordedChanged: "something has changed that no record tells",
}

func (c Change) words() string {
	if int(c) < len(clauses) {
		return clauses[c]
	}
	return ""
}

// Why says in words why a job was compiled, a clause about the module each, and
// nothing if it was not.
func (j *Job) Why() []string {
	if j.Outcome.FromCache() || j.Outcome == NotRun {
		return nil
	}
	why := j.changes()
	if j.Outcome == Uncached {
		why = append(why, "its result could not be kept"+because(j.Reason))
	}
	if j.IndexReason != "" {
		why = append(why, fmt.Sprintf("its summary index has no canonical form (%s), so that it may differ without need", j.IndexReason))
	}
	return why
}

func (j *Job) changes() []string {
	switch {
	case j.Action == nil:
		return nil
	case j.Before == nil:
		return []string{"no earlier compile of it is on record"}
	case j.Before.Key != j.Action.Key:
		var why []string
		for _, d := range Differences(j.Before, j.Action) {
			if d.What == IndexChanged && len(j.IndexChanges) == 0 {
				continue // it tells of every other change; there is nothing to add
			}
			why = append(why, d.String())
		}
		return why
	case j.Outcome == Uncached:
		return []string{"nothing has changed"}
	}
	return []string{"nothing has changed, and its result was not to be had" + because(j.Reason)}
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}
