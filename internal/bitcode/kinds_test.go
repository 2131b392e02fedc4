// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"maps"
	"math"
	"slices"
	"testing"
)

// kinds counts the records in a shard's summary, and some that have something in
// them that not all of their kind have.
func kinds(t testing.TB, shard []byte, seen map[string]int) {
	t.Helper()
	x := &Index{}
	if err := x.parse(shard); err != nil {
		t.Fatal(err)
	}
	seen["VALUE_GUID"] += len(x.guids)
	summaries := map[uint64]int{}
	for _, r := range x.records {
		p, ops := x.plan(&r), x.operands(&r)
		seen[p.name]++
		for _, what := range special(p, ops) {
			seen[p.name+" "+what]++
		}
		if p.place == isFunction || p.place == isVariable {
			if summaries[ops[0]]++; summaries[ops[0]] == 2 {
				seen["two summaries of one GUID"]++
			}
		}
	}
	if len(x.modules) > 1 {
		seen["imports"]++
	}
}

// special says what a record has that others of its kind have not.
func special(p *plan, ops []uint64) []string {
	var found []string
	add := func(is bool, what string) {
		if is {
			found = append(found, what)
		}
	}
	switch p.code {
	case 4, 5:
		add(ops[6] > 0, "with refs")
		add(ops[7] > 0, "with read-only refs")
		add(ops[8] > 0, "with write-only refs")
		add(len(ops) > 9+int(ops[6]), "with callees")
	case 6:
		add(len(ops) > 4, "with refs")
	case 8:
		add(ops[3] == 0, "without aliasee")
	case 21:
		add(len(ops) > 8, "with resolutions")
		add(len(ops) > 8 && ops[11] > 0, "with a single implementation")
		add(len(ops) > 8 && ops[12] > 0, "with resolutions by argument")
	case 25:
		add(ops[3] > 0, "with calls")
	case 28:
		add(ops[0] == 0, "of an unknown function")
		add(ops[2] > 1, "with clones")
	case 29:
		add(ops[1] > 1, "with clones")
		add(p.first == 10 && sizes(ops) > 0, "with sizes")
	case 32:
		add(slices.Max(ops) > math.MaxInt32, "with jumps")
	}
	return found
}

// sizes is how many operands of an ALLOC_INFO follow its versions.
func sizes(ops []uint64) int {
	at := uint64(2)
	for range ops[0] {
		at += 2 + ops[at+1]
	}
	return len(ops) - int(at+ops[1])
}

// A wantedRecord is one that the programs must make the linker write, from one
// LLVM to another.
type wantedRecord struct{ name, first, last string }

var wantedRecords = []wantedRecord{
	{"FLAGS", "13", "22"},
	{"BLOCK_COUNT", "13", "22"},
	{"VALUE_GUID", "13", "22"},
	{"CFI_FUNCTION_DEFS", "13", "22"},
	{"CFI_FUNCTION_DECLS", "13", "22"},
	{"COMBINED_ALIAS", "13", "22"},
	{"COMBINED_GLOBALVAR_INIT_REFS with refs", "13", "22"},
	{"COMBINED_PROFILE with callees", "13", "22"},
	{"TYPE_TESTS", "13", "22"},
	{"TYPE_TEST_ASSUME_VCALLS", "13", "22"},
	{"TYPE_CHECKED_LOAD_VCALLS", "13", "22"},
	{"TYPE_TEST_ASSUME_CONST_VCALL", "13", "22"},
	{"TYPE_CHECKED_LOAD_CONST_VCALL", "13", "22"},
	{"TYPE_ID with a single implementation", "13", "22"},
	{"TYPE_ID with resolutions by argument", "13", "22"},
	{"imports", "13", "22"},
	{"two summaries of one GUID", "13", "22"},
	{"COMBINED with callees", "13", "17"},
	{"COMBINED with read-only refs", "13", "17"},
	{"COMBINED with write-only refs", "13", "17"},
	{"COMBINED_PROFILE with read-only refs", "18", "22"},
	{"COMBINED_PROFILE with write-only refs", "18", "22"},
	{"COMBINED_ORIGINAL_NAME", "13", "13"},
	{"PARAM_ACCESS", "14", "22"},
	{"STACK_IDS", "16", "16"},
	{"COMBINED_CALLSITE_INFO of an unknown function", "16", "16"},
	{"COMBINED_ALLOC_INFO", "16", "16"},
	{"STACK_IDS", "19", "22"},
	{"COMBINED_CALLSITE_INFO of an unknown function", "19", "22"},
	{"COMBINED_CALLSITE_INFO with clones", "19", "22"},
	{"COMBINED_ALLOC_INFO", "19", "22"},
	{"COMBINED_ALLOC_INFO with sizes", "19", "19"},
	{"COMBINED_ALLOC_INFO with clones", "19", "19"},
	{"COMBINED_ALLOC_INFO_NO_CONTEXT", "21", "22"},
	{"CONTEXT_RADIX_TREE_ARRAY with jumps", "21", "22"},
}

// checkKinds fails if a record is missing that the programs are made for.
func checkKinds(t *testing.T, version string, seen map[string]int) {
	t.Helper()
	for _, w := range wantedRecords {
		if version >= w.first && version <= w.last && seen[w.name] == 0 {
			t.Errorf("no program has %s", w.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("LLVM %s: %6d %s", version, seen[name], name)
	}
}
