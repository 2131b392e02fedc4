// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"fmt"
	"slices"
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

// Backend is what the backend compiles of a link are told. ReadBackend has what
// they must be told beyond what LLD 22's DTLTO tells them, StagedBackend has all.
type Backend struct {
	Before []string // the user's words that come before all others (StagedBackend)
	Args   []string // options for Clang
	Inputs []string // files that Args make every compile read
	// OwnRelocation says that Args leave the relocation model open: it is each
	// module's own (-r), -fpic for a PIC level above 0, else -fno-pic. Clang would
	// follow its own default without either.
	OwnRelocation bool
}

// Words are the arguments that all jobs of a staged link have in common, for one
// target, in the order in which LLD 22 gives them to its distributor.
func (b *Backend) Words(triple string) []string {
	return slices.Concat(b.Before, []string{"-c", "--target=" + triple}, b.Args)
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

// ReadBackend translates the LTO options of a link that LLD distributes itself.
// The error is an *Untranslatable when one of them needs in-process LTO, or what
// known returned. known says whether the backend's Clang registers an LLVM option
// of that name; it is asked only when the link has such options.
func (c *Command) ReadBackend(known func(name string) (bool, error)) (*Backend, error) {
	if err := c.needsLinker(func(o ltoOption) effect { return o.native }); err != nil {
		return nil, err
	}
	return c.translate(FirstNative, known)
}

// StagedBackend translates the LTO options of a link that dtlto does in stages,
// for the Clang of an LLVM version. Args are complete but for the module, the
// index, the object and what Words adds: first LLD 22's own words, then
// ReadBackend's, then the user's. The error is as ReadBackend's.
func (c *Command) StagedBackend(major int, known func(name string) (bool, error)) (*Backend, error) {
	if err := c.needsLinker(func(o ltoOption) effect { return o.staged }); err != nil {
		return nil, err
	}
	b, err := c.translate(major, known)
	if err != nil {
		return nil, err
	}
	if profile, _ := c.Last("lto-sample-profile"); profile != "" {
		b.Inputs = append([]string{profile}, b.Inputs...)
	}
	b.Before = c.Values("thinlto-remote-compiler-prepend-arg")
	b.Args = slices.Concat(c.lldWords(), b.Args, c.compilerArgs())
	return b, nil
}

// translate makes ReadBackend's Backend for the Clang of an LLVM version.
func (c *Command) translate(major int, known func(name string) (bool, error)) (*Backend, error) {
	if err := c.checkLevels(); err != nil {
		return nil, err
	}
	options := c.llvmOptions()
	llvm, err := llvmArgs(options, major, known)
	if err != nil {
		return nil, err
	}
	b := &Backend{OwnRelocation: c.Has("relocatable") && relocationModel(options) == ""}
	if !c.PIC() && !b.OwnRelocation {
		// Without -fpic, which LLD sends, Clang would follow its own default (PIE).
		b.Args = append(b.Args, "-fno-pic")
	}
	if major <= lastInvertedXRay {
		b.Args = append(b.Args, "-Xclang", "-fno-xray-function-index")
	}
	b.Args = append(b.Args, llvm...)
	if err := b.addBasicBlocks(c, major); err != nil {
		return nil, err
	}
	if err := b.addSampleProfile(c, major); err != nil {
		return nil, err
	}
	return b, b.addProfile(c)
}

// lastInvertedXRay is the last LLVM tried, 13 to 16, in whose Clang the option has
// the opposite meaning: without it an index of XRay's functions, which LTO emits, is
// left out. Without XRay it changes nothing.
const lastInvertedXRay = 16

// lldWords are the words that LLD 22 gives its distributor for all backends
// (llvm/lib/LTO/LTO.cpp, OutOfProcessThinBackend), in its order. They serve
// older versions too.
func (c *Command) lldWords() []string {
	level, _ := c.level("lto-O", defaultLevel)
	words := []string{fmt.Sprintf("-O%d", level), "-faddrsig", "-ffunction-sections", "-fdata-sections"}
	if model := relocationModel(c.llvmOptions()); model == "pic" || model == "" && c.PIC() {
		words = append(words, "-fpic")
	}
	if !c.warnsOfMismatch() {
		words = append(words, "-mllvm", noWarnMismatch)
	}
	if profile, _ := c.Last("lto-sample-profile"); profile != "" {
		words = append(words, "-fprofile-sample-use="+profile)
	}
	return append(words, "-Wno-unused-command-line-argument")
}

// compilerArgs are the user's own words for the backends' compiler.
func (c *Command) compilerArgs() []string {
	var words []string
	for _, arg := range c.Args {
		switch {
		case arg.Name == "thinlto-remote-compiler-arg":
			words = append(words, arg.Value)
		case arg.Name == "mllvm" && c.isOldSpelling(arg):
			if name, value, _ := oldLLVMOption(arg.Value); name == "thinlto-cc1-arg" {
				words = append(words, "-Xclang", value)
			}
		}
	}
	return words
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
		case arg.Value == noWarnMismatch && !c.warnsOfMismatch(): // LLD sends it
		case strings.Contains(c.Words[arg.First], "plugin-opt"):
			plugin = append(plugin, arg.Value)
		default:
			llvm = append(llvm, arg.Value)
		}
	}
	return append(plugin, llvm...)
}

// relocationModel is the last relocation model among LLVM options, "" if none
// says. LLD asks the output only then.
func relocationModel(options []string) string {
	model := ""
	for _, word := range options {
		if name, value, _ := strings.Cut(strings.TrimLeft(word, "-"), "="); name == "relocation-model" {
			model = value
		}
	}
	return model
}

// noWarnMismatch is what LLD makes of --no-lto-pgo-warn-mismatch for backends.
const noWarnMismatch = "-no-pgo-warn-mismatch"

func (c *Command) warnsOfMismatch() bool {
	return !c.Has("no-lto-pgo-warn-mismatch") || c.Enabled("lto-pgo-warn-mismatch")
}

// checkLevels refuses what Clang cannot be told. At -O0 and -O1 it leaves out
// passes that LTO at these levels runs (loop unrolling) and generates code at
// 0 and 1 where LTO does at 2: 22 and 19 of zstd's 41 objects differ. From -O2
// on, the two agree, unless the code generation level is chosen apart.
func (c *Command) checkLevels() error {
	level, ok := c.level("lto-O", defaultLevel)
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

// defaultLevel is LLD's optimisation level for LTO.
const defaultLevel = 2

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

func (b *Backend) addBasicBlocks(c *Command, major int) error {
	addressMap := c.Enabled("lto-basic-block-address-map")
	switch v, _ := c.Last("lto-basic-block-sections"); v {
	case "":
	case "all", "none":
		b.Args = append(b.Args, "-fbasic-block-sections="+v)
	case "labels":
		if major > firstAddressMap { // in LLD 22 without effect; 20 and 21 were not tried
			return &Untranslatable{"--lto-basic-block-sections=labels", "is not what it was; use --lto-basic-block-address-map"}
		}
		if addressMap = addressMap || major == firstAddressMap; !addressMap {
			b.Args = append(b.Args, "-fbasic-block-sections=labels")
		}
	default: // a file that lists the blocks
		b.Args = append(b.Args, "-fbasic-block-sections=list="+v)
		b.Inputs = append(b.Inputs, v)
	}
	if c.Enabled("lto-unique-basic-block-section-names") {
		b.Args = append(b.Args, "-funique-basic-block-section-names")
	}
	return b.addAddressMap(addressMap, major)
}

// firstAddressMap is the first LLVM, of those tried, with -fbasic-block-address-map.
const firstAddressMap = 19

func (b *Backend) addAddressMap(wanted bool, major int) error {
	switch {
	case !wanted:
	case major < firstAddressMap:
		return &Untranslatable{"--lto-basic-block-address-map", fmt.Sprintf("has no Clang spelling before LLVM %d", firstAddressMap)}
	default:
		b.Args = append(b.Args, "-fbasic-block-address-map")
	}
	return nil
}

// addSampleProfile keeps Clang's driver from what it, from some version between 19
// and 22 on, does with -fprofile-sample-use=, which LLD sends: it switches on the
// inference of a profile's missing counts. LTO in the linker has that off.
func (b *Backend) addSampleProfile(c *Command, major int) error {
	switch file, _ := c.Last("lto-sample-profile"); {
	case file == "" || major <= 19:
	case major < 22:
		return &Untranslatable{"--lto-sample-profile=" + file, fmt.Sprintf("was not tried with clang %d", major)}
	default:
		b.Args = append(b.Args, "-fno-sample-profile-use-profi")
	}
	return nil
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
