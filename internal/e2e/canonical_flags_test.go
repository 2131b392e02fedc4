// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"fmt"
	"slices"
	"testing"

	"github.com/dtlto/dtlto/internal/corpus"
)

// A flagSet is a program compiled and linked with certain flags. LLVM 14 and 22
// have the oldest and the newest layout of shards.
type flagSet struct {
	name    string
	program corpus.Program
	llvms   []int
	level   string   // of sources, link and backends
	flags   []string // of sources and link
	compile []string // of the sources alone
	marks   marks

	// profile makes a profile, which use, an option of sources, link and backends, names.
	profile func(*testing.T, corpus.Program, int) string
	use     string
}

var vtables = []string{"-fwhole-program-vtables", "-fvisibility=hidden"}

var flagSets = []flagSet{
	{name: "debug", program: corpus.LevelDB(), llvms: []int{14, 22}, level: "-O2", flags: []string{"-g"}, marks: marks{object: ".debug_info"}},
	{name: "O0", program: corpus.Zstd(), llvms: []int{14, 22}, level: "-O0", marks: marks{alone: true}},
	{name: "O3", program: corpus.LevelDB(), llvms: []int{14, 22}, level: "-O3"},
	{
		name: "address sanitizer", program: corpus.LevelDB(), llvms: []int{14, 22}, level: "-O2", flags: []string{"-fsanitize=address"},
		marks: marks{object: "__asan_"},
	},
	{
		name: "vtables by index", program: corpus.LevelDB(), llvms: []int{14, 16, 19, 22}, level: "-O2", flags: vtables,
		compile: []string{"-fno-split-lto-unit"}, marks: marks{shard: "_ZTSN7leveldb"},
	},
	{name: "vtables in split units", program: corpus.LevelDB(), llvms: []int{14, 22}, level: "-O2", flags: vtables, marks: marks{shard: "_ZTSN7leveldb"}},
	{
		name: "instrumented profile", program: corpus.LevelDB(), llvms: []int{14, 22}, level: "-O2", profile: instrumentedProfile,
		use: "-fprofile-use=", marks: marks{object: ".text.hot."},
	},
	{
		name: "sample profile", program: corpus.LevelDB(), llvms: []int{14, 22}, level: "-O2", profile: sampledProfile,
		compile: []string{"-gline-tables-only"}, use: "-fprofile-sample-use=", marks: marks{object: ".text.hot."},
	},
}

// TestCanonicalFlags is TestCanonicalObjects with flags that change what is in shards
// or what backends make of them.
func TestCanonicalFlags(t *testing.T) {
	for _, v := range flagSets {
		for _, llvm := range v.llvms {
			t.Run(fmt.Sprint(v.name, " ", llvm), func(t *testing.T) { v.run(t, llvm) })
		}
	}
}

func (v flagSet) run(t *testing.T, llvm int) {
	flags := slices.Clone(v.flags)
	var backend, extra []string
	if v.profile != nil {
		file := v.profile(t, v.program, llvm)
		flags = append(flags, v.use+file)
		backend, extra = append(backend, v.use+file), append(extra, file)
	}
	o := built(t, v.program, llvm, slices.Concat([]string{v.level, "-flto=thin"}, flags, v.compile)...)
	l := scatter(t, llvm, o).thinLink(t, v.level, flags, backend)
	l.extra, l.marks = extra, v.marks
	l.wantModules(t, o)
	l.wantSameObjects(t)
}
