// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"fmt"
	"strconv"
	"strings"
)

// Untranslatable says that a link's backends cannot be compiled by Clang to
// the objects that in-process LTO would give, and which option makes it so.
type Untranslatable struct {
	Option string // as a person would write it
	Why    string // completes the sentence that Option begins
}

func (e *Untranslatable) Error() string { return e.Option + " " + e.Why }

// effect says what an LTO option of LLD's does in a link whose backends are
// compiled by Clang elsewhere.
type effect uint8

const (
	// inLink: it acts on the thin link or on the linker itself, which is LLD's
	// still, or LLD's DTLTO hands it on.
	inLink effect = iota
	// translated: backend translates it.
	translated
	// harmless: no object depends on it.
	harmless
	// inProcess: it needs in-process LTO.
	inProcess
)

// ltoOptions are all LTO options of LLD 13 to 22 by canonical name. LLD's
// DTLTO accepts every one; what it drops is translated here or needs
// in-process LTO.
var ltoOptions = map[string]effect{
	"lto": inLink, "lto-O": translated, "lto-CGO": translated, "lto-partitions": inLink,
	"lto-whole-program-visibility": inLink, "no-lto-whole-program-visibility": inLink,
	"lto-validate-all-vtables-have-type-infos": inLink, "no-lto-validate-all-vtables-have-type-infos": inLink,
	"lto-known-safe-vtables": inLink, "lto-sample-profile": inLink,
	"lto-pgo-warn-mismatch": inLink, "no-lto-pgo-warn-mismatch": inLink,
	"lto-cs-profile-file": translated, "lto-cs-profile-generate": translated,
	"lto-basic-block-sections": translated, "lto-basic-block-address-map": translated,
	"no-lto-basic-block-address-map": translated, "lto-unique-basic-block-section-names": translated,
	"no-lto-unique-basic-block-section-names": translated, "mllvm": translated, "mcpu": translated,
	"lto-aa-pipeline": inProcess, "lto-newpm-passes": inProcess, "lto-debug-pass-manager": inProcess,
	"lto-emit-asm": inProcess, "lto-emit-llvm": inProcess, "lto-obj-path": inProcess, "load-pass-plugin": inProcess,
	"lto-pseudo-probe-for-profiling": inProcess, "no-lto-pseudo-probe-for-profiling": harmless,
	"lto-legacy-pass-manager": inProcess, "no-lto-legacy-pass-manager": harmless, "lto-new-pass-manager": harmless,
	"no-lto-new-pass-manager": inProcess, "lto-opaque-pointers": inLink, "no-lto-opaque-pointers": inLink,
	"disable-verify": harmless, "opt-remarks-filename": inProcess, "opt-remarks-passes": harmless,
	"opt-remarks-format": harmless, "opt-remarks-with-hotness": harmless, "opt-remarks-hotness-threshold": harmless,
	"stats-file": inProcess, "dwo-dir": inProcess, "save-temps": inLink, "thinlto": inLink,
	"thinlto-cache-dir": inLink, "thinlto-cache-policy": inLink,
	// LLD 22 leaves files with its process id in the name behind when it distributes under these.
	"thinlto-emit-imports-files": inProcess, "thinlto-emit-index-files": inProcess,
	"thinlto-index-only": inLink, "thinlto-index": inLink, "thinlto-jobs": inLink,
	"thinlto-object-suffix-replace": inLink, "thinlto-prefix-replace": inLink, "thinlto-single-module": inProcess,
	"thinlto-distributor": inLink, "thinlto-distributor-arg": inLink, "thinlto-remote-compiler": inLink,
	"thinlto-remote-compiler-arg": inLink, "thinlto-remote-compiler-prepend-arg": inLink,
	"fat-lto-objects": inLink, "no-fat-lto-objects": inLink, "plugin": harmless, "plugin-opt": harmless,
}

// Backend is what the backend compiles of a link must be told beyond what
// LLD 22's DTLTO tells them.
type Backend struct {
	Args   []string // options for Clang
	Inputs []string // files that Args make every compile read
}

// SameForClang says whether a backend compile by Clang makes the objects of
// in-process LTO for a target. For others Clang's driver adds what it takes for
// the target's defaults, and the module does not override all of them: for
// RISC-V the C extension, which lets the linker put compressed instructions
// into a program for processors without; for MIPS and ARM the processor's
// revision and floating point. x86-64 and AArch64 have nothing of the kind.
func SameForClang(triple string) bool {
	architecture, _, _ := strings.Cut(triple, "-")
	return architecture == "x86_64" || architecture == "aarch64"
}

// ReadBackend translates the link's LTO options. The error is an
// *Untranslatable when one of them needs in-process LTO, or what known
// returned. known says whether the backend's Clang registers an LLVM option
// of that name; it is asked only when the link has such options.
func (c *Command) ReadBackend(known func(name string) (bool, error)) (*Backend, error) {
	for _, arg := range c.Args {
		if !arg.IsInput() && ltoOptions[arg.Name] == inProcess {
			return nil, &Untranslatable{c.spell(arg), "needs LTO in the linker"}
		}
	}
	b := &Backend{}
	if err := c.checkLevels(); err != nil {
		return nil, err
	}
	llvm, err := llvmArgs(c.llvmOptions(), known)
	if err != nil {
		return nil, err
	}
	if !c.PIC() {
		// Without -fpic, which LLD sends, Clang would follow its own default (PIE).
		b.Args = append(b.Args, "-fno-pic")
	}
	b.Args = append(b.Args, llvm...)
	b.addBasicBlocks(c)
	return b, b.addProfile(c)
}

// spell is an option as it stands on the command line.
func (c *Command) spell(arg Arg) string {
	text := c.Words[arg.First]
	if arg.Last > arg.First {
		text += " " + c.Words[arg.Last]
	}
	return text
}

// llvmOptions are the values of -mllvm and its like in the order in which LLD
// reads them: -plugin-opt=mcpu=, then -plugin-opt=-NAME, then -mllvm.
func (c *Command) llvmOptions() []string {
	var plugin, llvm []string
	if cpu, ok := c.Last("mcpu"); ok {
		plugin = append(plugin, "-mcpu="+cpu)
	}
	for _, arg := range c.Args {
		switch {
		case arg.Name != "mllvm" || c.isOldSpelling(arg):
		case strings.Contains(c.Words[arg.First], "plugin-opt="):
			plugin = append(plugin, arg.Value)
		default:
			llvm = append(llvm, arg.Value)
		}
	}
	return append(plugin, llvm...)
}

// checkLevels refuses what Clang cannot be told. At -O0 and -O1 it leaves out
// passes that LTO at these levels runs (loop unrolling) and generates code at
// 0 and 1 where LTO does at 2: 22 and 19 of zstd's 41 objects differ. From -O2
// on, the two agree, unless the code generation level is chosen apart.
func (c *Command) checkLevels() error {
	level, ok := c.level("lto-O", 2)
	if ok && level < 2 {
		return &Untranslatable{fmt.Sprintf("--lto-O%d (-O%d when linking)", level, level),
			"has LTO run other passes than clang at that level; link with -O2 or -O3"}
	}
	codegen, ok := c.level("lto-CGO", level)
	if ok && codegen != level {
		return &Untranslatable{fmt.Sprintf("--lto-CGO%d", codegen),
			fmt.Sprintf("differs from the optimisation level, %d, and clang knows one level", level)}
	}
	return nil
}

// level is an optimisation level on the command line; ok is false when there
// is none, or none that LLD takes.
func (c *Command) level(name string, otherwise int) (level int, ok bool) {
	v, given := c.Last(name)
	n, err := strconv.Atoi(v)
	if !given || err != nil || n < 0 || n > 3 {
		return otherwise, false
	}
	return n, true
}

func (b *Backend) addBasicBlocks(c *Command) {
	addressMap := c.Enabled("lto-basic-block-address-map")
	if v, ok := c.Last("lto-basic-block-sections"); ok {
		switch v {
		case "all", "none":
			b.Args = append(b.Args, "-fbasic-block-sections="+v)
		case "labels":
			addressMap = true
		case "":
		default: // a file that lists the blocks
			b.Args = append(b.Args, "-fbasic-block-sections=list="+v)
			b.Inputs = append(b.Inputs, v)
		}
	}
	if addressMap {
		b.Args = append(b.Args, "-fbasic-block-address-map")
	}
	if c.Enabled("lto-unique-basic-block-section-names") {
		b.Args = append(b.Args, "-funique-basic-block-section-names")
	}
}

// addProfile translates context-sensitive PGO. Clang passes
// --lto-cs-profile-file for every -fprofile-use=; when the profile is not
// context-sensitive, it changes nothing in either way of linking.
func (b *Backend) addProfile(c *Command) error {
	file, _ := c.Last("lto-cs-profile-file")
	switch generate := c.Has("lto-cs-profile-generate"); {
	case generate && file == "":
		return &Untranslatable{"--lto-cs-profile-generate", "without --lto-cs-profile-file= needs LTO in the linker"}
	case generate:
		b.Args = append(b.Args, "-Xclang", "-fprofile-instrument=csllvm", "-Xclang", "-fprofile-instrument-path="+file)
	case file != "":
		b.Args = append(b.Args, "-fprofile-use="+file)
		b.Inputs = append(b.Inputs, file)
	}
	return nil
}
