// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import "fmt"

// An Aspect is what two shards can differ in. It is a few words of English.
type Aspect string

// The aspects of a shard as a whole.
const (
	SummaryVersion Aspect = "summary version" // another LLVM; summaries are then not compared
	IndexFlags     Aspect = "flags"           // of the link, such as that dead symbols were looked for
	BasicBlocks    Aspect = "basic blocks"    // of the whole link
	ImportedModule Aspect = "imported module" // Module is named or not
	ModuleHash     Aspect = "module hash"     // Module's own contents
	CFIFunction    Aspect = "CFI function"    // Name is in a list of functions with jump tables
	TypeID         Aspect = "type id"         // how virtual calls by the type Name are resolved
	NotUnderstood  Aspect = "not understood"  // a shard that can not be compared any further
	Otherwise      Aspect = "something else"  // no more is known than that there is a difference
)

// The aspects of the summary that a module has of a symbol.
const (
	Summary       Aspect = "summary" // there or not, or something in it that has no aspect of its own
	SymbolKind    Aspect = "kind"    // function, variable or alias
	Linkage       Aspect = "linkage" // exported or internalised
	Visibility    Aspect = "visibility"
	Liveness      Aspect = "liveness"
	Locality      Aspect = "dso_local"
	Eligibility   Aspect = "eligible for import" // whether it may be imported
	ImportKind    Aspect = "import kind"         // imported as definition or as declaration
	AutoHide      Aspect = "auto-hiding"
	OtherFlags    Aspect = "flags of its summary"
	Instructions  Aspect = "instruction count"
	Attributes    Aspect = "function attributes"
	EntryCount    Aspect = "entry count"
	Access        Aspect = "access"        // of a variable: only read, only written
	Reference     Aspect = "reference"     // to Other
	Call          Aspect = "call"          // of Other, and how hot it is
	Aliasee       Aspect = "aliasee"       // Other
	EdgeOrder     Aspect = "order of refs" // and of calls, which are the same otherwise
	TypeTests     Aspect = "type tests"    // and virtual calls
	Parameters    Aspect = "parameter accesses"
	MemoryProfile Aspect = "memory profile"
	OriginalName  Aspect = "original name"
)

// A Difference is one thing that two shards differ in.
type Difference struct {
	Aspect Aspect
	Module string // whose summary it is, or which it is about; empty if it is of the whole
	GUID   uint64 // of the symbol that the summary is of, 0 if it is of none
	Other  uint64 // of the symbol that is referred to, called or stood for, 0 if there is none
	Name   string // of a type id or a CFI function

	// What was and what is now, in words. If one is empty, it was not there or is not
	// any more; if both are, something changed for which there are no words.
	Before, After string
}

// Text says what the difference is, with names for symbols: "f of a.o: linkage changed
// from external to internal" or "f of a.o: no longer calls g".
func (d Difference) Text(symbol func(guid uint64) string) string {
	switch d.Aspect {
	case NotUnderstood:
		return "index that is not understood: " + d.Before + d.After
	case Otherwise:
		return "index that says the same in another way"
	case ImportedModule:
		return d.comesOrGoes("imports from " + d.Module)
	case ModuleHash:
		return "contents of " + d.Module + " changed"
	case CFIFunction:
		return d.comesOrGoes(fmt.Sprintf("lists %s as CFI function that is %s%s", d.Name, d.Before, d.After))
	case TypeID:
		return d.comesOrGoes("lists type id " + d.Name)
	case SummaryVersion, IndexFlags, BasicBlocks:
		return d.changes(string(d.Aspect) + " of the link")
	}
	return symbol(d.GUID) + " of " + d.Module + ": " + d.ofSummary(symbol)
}

// ofSummary says what is different in a summary.
func (d Difference) ofSummary(symbol func(guid uint64) string) string {
	if d.Before != "" && d.After != "" {
		switch d.Aspect {
		case Reference, Call:
			return d.changes(string(d.Aspect) + " of " + symbol(d.Other))
		}
		return d.changes(string(d.Aspect))
	}
	switch d.Aspect {
	case Summary:
		if d.Before != d.After {
			return d.comesOrGoes("in the index")
		}
	case Reference:
		return d.comesOrGoes("refers to " + symbol(d.Other))
	case Call:
		return d.comesOrGoes("calls " + symbol(d.Other))
	case Aliasee:
		return d.comesOrGoes("stands for " + symbol(d.Other))
	}
	return string(d.Aspect) + " changed"
}

func (d Difference) changes(what string) string {
	return fmt.Sprintf("%s changed from %s to %s", what, d.Before, d.After)
}

func (d Difference) comesOrGoes(what string) string {
	switch {
	case d.Before == "" && d.After == "":
		return what + ", which changed"
	case d.Before == "":
		return "now " + what
	}
	return "no longer " + what
}
