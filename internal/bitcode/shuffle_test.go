// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// shuffled returns a shard that says the same with other numbers and in another
// order: everything that a linker's hash tables and the position in the link may
// change does change. Module ids get gaps, as LLVM 13 to 18 leave them.
func shuffled(t testing.TB, shard []byte, r *rand.Rand) []byte {
	t.Helper()
	x := &Index{}
	err := x.parse(shard)
	if err == nil {
		err = x.number(same)
	}
	if err == nil {
		x.shuffleNumbers(r)
		err = x.arrange()
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, units := range [][]unit{x.summaries, x.aliases} {
		r.Shuffle(len(units), func(i, j int) { units[i], units[j] = units[j], units[i] })
	}
	r.Shuffle(len(x.typeIDs), func(i, j int) { x.typeIDs[i], x.typeIDs[j] = x.typeIDs[j], x.typeIDs[i] })
	for _, code := range []uint32{summaryDefs, summaryDecls} {
		if names := x.head(code); names != nil {
			ops := x.operands(names)
			r.Shuffle(len(ops)/2, func(i, j int) {
				ops[2*i], ops[2*i+1], ops[2*j], ops[2*j+1] = ops[2*j], ops[2*j+1], ops[2*i], ops[2*i+1]
			})
		}
	}
	if err := x.rewrite(); err != nil {
		t.Fatal(err)
	}
	x.spreadModules()
	r.Shuffle(len(x.guids), func(i, j int) { x.guids[i], x.guids[j] = x.guids[j], x.guids[i] })
	return x.write()
}

func (x *Index) shuffleNumbers(r *rand.Rand) {
	r.Shuffle(len(x.modules), func(i, j int) { x.modules[i], x.modules[j] = x.modules[j], x.modules[i] })
	for i := range x.modules {
		x.modules[i].newID = uint64(i)
		for j := range x.moduleByID {
			if x.moduleByID[j].id == x.modules[i].id {
				x.moduleByID[j].newID = x.modules[i].newID
			}
		}
	}
	ids := r.Perm(len(x.guids))
	for i, v := range x.guids {
		x.values[v.id] = uint32(ids[i]) + 1
	}
	order := r.Perm(len(x.stackIDs))
	old := append([]uint64(nil), x.stackIDs...)
	for i, to := range order {
		x.stackIDs[to] = old[i]
	}
	for i := range x.stacks {
		x.stacks[i] = uint64(order[x.stacks[i]])
	}
}

// checkShuffled shuffles a shard a few times: each must come out the same.
func checkShuffled(t testing.TB, shard, canonical []byte, rename func(string) (string, bool), opt Options) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	changed := 0
	for range 3 {
		s := shuffled(t, shard, r)
		if !bytes.Equal(canonicalOf(t, s, rename, opt), canonical) {
			t.Fatalf("a shuffled shard comes out otherwise")
		}
		if !bytes.Equal(s, shuffled(t, shard, r)) {
			changed++
		}
	}
	if x := new(Index); x.parse(shard) == nil && len(x.guids) > 3 && changed == 0 {
		t.Fatalf("shuffling changes nothing")
	}
}

// spreadModules gives the modules ids with gaps.
func (x *Index) spreadModules() {
	for i := range x.modules {
		x.modules[i].newID = x.modules[i].newID*7 + 3
	}
	for r := range x.sequence() {
		if x.plan(r).place.summary() {
			ops := x.operands(r)
			ops[1] = ops[1]*7 + 3
		}
	}
}
