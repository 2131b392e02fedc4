// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"strings"
	"sync"
)

// effect says what an LTO option of LLD's does in a link whose backends are
// compiled by Clang elsewhere. In a native link LLD 22 or newer is given every
// option; in a staged one there are two links, and the effect says which of them
// is given it.
type effect uint8

const (
	// none: it is no LTO option.
	none effect = iota
	// inLink: it acts on the thin link or on the linker itself, which is LLD's
	// still, or (native) LLD's DTLTO hands it on. In a staged link the thin link
	// alone has it: the final link has no bitcode for it to act on, and some would
	// warn, print or write twice.
	inLink
	// translated: ReadBackend and StagedBackend translate it, and the thin link has
	// it for the regular LTO that it does.
	translated
	// harmless: no object depends on it. The thin link has it.
	harmless
	// bothLinks: the final link must read its inputs, or time itself, as the thin
	// link does. (Staged links only, as are the next two.)
	bothLinks
	// finalLink: it is about the link as a whole, and the final link stands for that.
	finalLink
	// neither: it is dtlto's, or dtlto has its own means to the same end.
	neither
	// inProcess: it needs in-process LTO.
	inProcess
)

type ltoOption struct {
	native, staged effect
	why            string // it needs in-process LTO, completing a sentence that the option begins
}

// ltoTable has all LTO options of LLD 13 to 22, and those others that act on LTO,
// by canonical name. LLD's DTLTO accepts every one; what it drops is translated or
// needs in-process LTO.
var ltoTable = []struct {
	native, staged effect
	names          string
	why            string
}{
	{native: inLink, staged: inLink, names: `lto lto-partitions thinlto thinlto-jobs lto-known-safe-vtables
		lto-whole-program-visibility no-lto-whole-program-visibility
		lto-validate-all-vtables-have-type-infos no-lto-validate-all-vtables-have-type-infos`},

	// What every backend is told.
	{native: translated, staged: translated, names: `mllvm mcpu lto-O lto-CGO lto-cs-profile-file lto-cs-profile-generate
		lto-basic-block-sections lto-basic-block-address-map no-lto-basic-block-address-map
		lto-unique-basic-block-section-names no-lto-unique-basic-block-section-names`},
	{native: inLink, staged: translated, names: `lto-sample-profile lto-pgo-warn-mismatch no-lto-pgo-warn-mismatch`},

	// What LLD does anyway, checks that find nothing in what clang made, and what
	// only says how remarks would be written if they were.
	{native: harmless, staged: harmless, names: `disable-verify no-lto-pseudo-probe-for-profiling
		no-lto-legacy-pass-manager lto-new-pass-manager lto-opaque-pointers
		opt-remarks-passes opt-remarks-format opt-remarks-with-hotness opt-remarks-hotness-threshold`},

	// Passes and types of other times. LLVM 17 and newer have neither.
	{native: inProcess, staged: inProcess, names: `lto-aa-pipeline lto-newpm-passes load-pass-plugin lto-debug-pass-manager
		lto-legacy-pass-manager no-lto-new-pass-manager lto-pseudo-probe-for-profiling`},
	{native: inLink, staged: inProcess, names: `no-lto-opaque-pointers`, why: "is for types that clang's backend does not use"},

	// Files that backends write beside the object, or instead of it.
	{native: inProcess, staged: inProcess, names: `lto-obj-path lto-emit-asm lto-emit-llvm opt-remarks-filename dwo-dir stats-file`},
	{native: inProcess, staged: inProcess, names: `thinlto-single-module`},
	{native: inLink, staged: inProcess, names: `save-temps`, why: "keeps what LTO in the linker makes between its steps"},

	// Index files. LLD 22 leaves files with its process id in the name behind when it
	// distributes under the first two; a staged link's thin link needs the others for itself.
	{native: inProcess, staged: inProcess, names: `thinlto-emit-imports-files thinlto-emit-index-files`},
	{native: inLink, staged: inProcess, names: `thinlto-index-only thinlto-index thinlto-prefix-replace`,
		why: "is about index files, which are dtlto's own when it does the thin link"},
	// Minimized bitcode is for the thin link; LLD 22 would have backends compile it.
	{native: inProcess, staged: inLink, names: `thinlto-object-suffix-replace`},

	// LLD 22 keeps distributed objects in its cache too. In a staged link dtlto's own
	// cache, which needs no policy for that folder, is all there is.
	{native: inLink, staged: neither, names: `thinlto-cache-dir thinlto-cache-policy`},

	// LLD before 22 does not know these: dtlto does what they say.
	{native: inLink, staged: neither, names: `thinlto-distributor thinlto-distributor-arg thinlto-remote-compiler
		thinlto-remote-compiler-arg thinlto-remote-compiler-prepend-arg`},

	// The final link must find the bitcode section of a FatLTO object that nothing
	// replaced, to refuse it. The plugin's are GCC's, and no option of LLD's.
	{native: inLink, staged: bothLinks, names: `fat-lto-objects no-fat-lto-objects`},
	{native: harmless, staged: bothLinks, names: `plugin plugin-opt`},
	{native: inLink, staged: finalLink, names: `time-trace time-trace-file time-trace-granularity`},
	{native: inLink, staged: inProcess, names: `reproduce`, why: "packs one link up, and dtlto does two"},
}

// ltoOptions is ltoTable by name.
var ltoOptions = sync.OnceValue(func() map[string]ltoOption {
	byName := make(map[string]ltoOption, 100)
	for _, row := range ltoTable {
		why := row.why
		if why == "" {
			why = "needs LTO in the linker"
		}
		for name := range strings.FieldsSeq(row.names) {
			byName[name] = ltoOption{row.native, row.staged, why}
		}
	}
	return byName
})

// ForThinLink says whether the thin link of a staged link is given arg, as far
// as LTO has a say in that.
func (c *Command) ForThinLink(arg Arg) bool {
	if isOwn(arg) || c.isOldSpelling(arg) {
		return false
	}
	staged := ltoOptions()[arg.Name].staged
	return staged != finalLink && staged != neither
}

// ForFinalLink says whether the final link of a staged link is given arg, as
// far as LTO has a say in that: of the options in the table, few are.
func (c *Command) ForFinalLink(arg Arg) bool {
	if isOwn(arg) || c.isOldSpelling(arg) {
		return false
	}
	staged := ltoOptions()[arg.Name].staged
	return staged == none || staged == finalLink || staged == bothLinks
}

// needsLinker is an *Untranslatable for the first option that needs in-process
// LTO, or nil. in picks the way of linking.
func (c *Command) needsLinker(in func(ltoOption) effect) error {
	for _, arg := range c.Args {
		if arg.IsInput() {
			continue
		}
		if option := ltoOptions()[arg.Name]; in(option) == inProcess {
			return &Untranslatable{c.spell(arg), option.why}
		}
	}
	return nil
}
