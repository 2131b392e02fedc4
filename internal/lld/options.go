// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"strings"
	"sync"
)

// form says how an option takes its value.
type form uint8

const (
	flag             form = iota // --name
	joined                       // --nameVALUE
	separate                     // --name VALUE
	equals                       // --name=VALUE or --name VALUE
	joinedOrSeparate             // -nVALUE or -n VALUE
)

// dashes says which prefixes an option answers to. GNU ld takes long options
// with one dash as well as two; LLD's own ones take two.
type dashes uint8

const (
	one dashes = 1 << iota
	two
	either = one | two
)

type option struct {
	name string // the canonical name, aliases resolved
	form form
	dash dashes
}

// options maps what stands after the dashes (of a joined option: its fixed
// part) to the option. It is made on first use: a distributor run never is.
var options = sync.OnceValue(optionTable)

// joinedNames are the fixed parts of joined options that do not end in '=',
// longest first; those that do are found by cutting at the '='.
var joinedNames = []string{"plugin-opt=-", "plugin-opt=O", "lto-CGO", "lto-O"}

// The lists below are LLD 13 to 22's. An option that a version does not know
// is LLD's to refuse; a flag that is missing here is still read as a flag. A
// missing option with a separate value would make its value look like an
// input, which is why the tests compare these with --help.
const (
	flagsEither = `Bno-symbolic Bsymbolic Bsymbolic-non-weak Bsymbolic-functions Bsymbolic-non-weak-functions
		Bdynamic Bstatic EB EL allow-multiple-definition no-allow-multiple-definition allow-shlib-undefined
		no-allow-shlib-undefined as-needed no-as-needed be8 build-id check-sections no-check-sections demangle no-demangle
		disable-new-dtags enable-new-dtags discard-all discard-locals discard-none eh-frame-hdr no-eh-frame-hdr
		emit-relocs end-group end-lib error-unresolved-symbols export-dynamic no-export-dynamic fatal-warnings
		no-fatal-warnings fix-cortex-a53-843419 fix-cortex-a8 gc-sections no-gc-sections gdb-index no-gdb-index help
		icf=all icf=safe icf=none merge-exidx-entries no-merge-exidx-entries nmagic nostdlib no-dynamic-linker
		noinhibit-exec no-warn-mismatch no-nmagic no-omagic no-undefined pic-veneer pie no-pie print-gc-sections
		no-print-gc-sections print-icf-sections no-print-icf-sections pop-state push-state print-map
		print-memory-usage relocatable shared start-group start-lib strip-all strip-debug target1-rel target1-abs
		trace unique undefined-version no-undefined-version verbose version warn-common no-warn-common
		warn-unresolved-symbols whole-archive no-whole-archive call_shared dy dn non_shared static pic-executable
		Bshareable long-plt no-copy-dt-needed-entries no-ctors-in-init-array no-keep-memory secure-plt sort-common
		stats warn-execstack warn-once warn-shared-textrel save-temps disable-verify thinlto dc dp define-common
		no-define-common no-pic-executable`
	flagsTwo = `cmse-implib optimize-bb-jumps no-optimize-bb-jumps fortran-common no-fortran-common apply-dynamic-relocs
		no-apply-dynamic-relocs dependent-libraries no-dependent-libraries no-call-graph-profile-sort call-graph-profile-sort
		bp-compression-sort-startup-functions no-bp-compression-sort-startup-functions verbose-bp-section-orderer
		color-diagnostics no-color-diagnostics cref debug-names no-debug-names enable-non-contiguous-regions
		execute-only no-execute-only force-group-allocation gnu-unique no-gnu-unique ignore-function-address-equality
		ignore-data-address-equality mmap-output-file no-mmap-output-file no-warnings omagic use-android-relr-tags
		no-use-android-relr-tags relax no-relax relax-gp no-relax-gp rosegment no-rosegment xosegment no-xosegment
		time-trace toc-optimize no-toc-optimize pcrel-optimize no-pcrel-optimize power10-stubs no-power10-stubs
		warn-backrefs no-warn-backrefs warn-ifunc-textrel no-warn-ifunc-textrel warn-symbol-ordering
		no-warn-symbol-ordering vs-diagnostics no-add-needed check-dynamic-relocations no-check-dynamic-relocations
		android-memtag-stack no-android-memtag-stack android-memtag-heap no-android-memtag-heap
		lto-debug-pass-manager lto-emit-asm lto-emit-llvm lto-cs-profile-generate lto-pgo-warn-mismatch
		no-lto-pgo-warn-mismatch lto-validate-all-vtables-have-type-infos
		no-lto-validate-all-vtables-have-type-infos lto-whole-program-visibility no-lto-whole-program-visibility
		opt-remarks-with-hotness lto-basic-block-address-map no-lto-basic-block-address-map
		lto-unique-basic-block-section-names no-lto-unique-basic-block-section-names thinlto-emit-imports-files
		thinlto-emit-index-files thinlto-index-only fat-lto-objects no-fat-lto-objects lto-legacy-pass-manager
		no-lto-legacy-pass-manager lto-new-pass-manager no-lto-new-pass-manager lto-pseudo-probe-for-profiling
		no-lto-pseudo-probe-for-profiling ifunc-noplt no-ifunc-noplt z-keep-text-section-prefix lto-opaque-pointers
		no-lto-opaque-pointers branch-to-branch no-branch-to-branch`
	flagsOne  = `x X q ) E n N M r ( s S t w v V d g`
	equalsAny = `auxiliary compress-debug-sections defsym split-stack-adjust-size Tbss Tdata Ttext Ttext-segment
		call-graph-ordering-file dynamic-linker dynamic-list entry exclude-libs filter fini format hash-style init
		just-symbols keep-unique Map orphan-handling print-symbol-order rpath retain-symbols-file script section-start soname
		sort-section sysroot target2 trace-symbol undefined unresolved-symbols version-script wrap mllvm plugin
		mips-got-size library library-path rpath-link`
	equalsTwo = `compress-sections in-implib out-implib irpgo-profile bp-startup-sort default-script dependency-file error-limit
		error-handling-script export-dynamic-symbol export-dynamic-symbol-list image-base oformat pack-dyn-relocs
		remap-inputs reproduce symbol-ordering-file threads time-trace-granularity undefined-glob rsp-quoting
		warn-backrefs-exclude why-live shuffle-sections opt-remarks-hotness-threshold lto-known-safe-vtables
		thinlto-cache-policy load-pass-plugin android-memtag-mode output thinlto-distributor thinlto-distributor-arg
		thinlto-remote-compiler thinlto-remote-compiler-arg thinlto-remote-compiler-prepend-arg
		thinlto-remote-opt-tool thinlto-remote-opt-tool-arg`
	separateTwo = `chroot opt-remarks-filename opt-remarks-passes opt-remarks-format`
	separateOne = `dT f F b`
	valueOne    = `O l L m o z e R T h y u G`
	joinedAny   = `build-id= print-archive-stats= plugin-opt= plugin-opt=- plugin-opt=O`
	joinedTwo   = `print-gc-sections= call-graph-profile-sort= bp-compression-sort= color-diagnostics= randomize-section-padding= time-trace=
		power10-stubs= why-extract= package-metadata= remap-inputs-file= lto= lto-aa-pipeline= lto-newpm-passes= lto-O
		lto-CGO lto-partitions= lto-cs-profile-file= lto-obj-path= lto-sample-profile= save-temps=
		lto-basic-block-sections= thinlto-cache-dir= thinlto-index-only= thinlto-index= thinlto-jobs= time-trace-file=
		thinlto-object-suffix-replace= thinlto-prefix-replace= thinlto-single-module=`
)

// aliases gives the canonical name of those options that have several.
var aliases = map[string]string{
	"dT": "default-script", "f": "auxiliary", "call_shared": "Bdynamic", "dy": "Bdynamic", "dn": "Bstatic",
	"non_shared": "Bstatic", "static": "Bstatic", "x": "discard-all", "X": "discard-locals", "q": "emit-relocs",
	")": "end-group", "e": "entry", "E": "export-dynamic", "F": "filter", "b": "format", "l": "library",
	"L": "library-path", "n": "nmagic", "N": "omagic", "output": "o", "pic-executable": "pie", "no-pic-executable": "no-pie", "M": "print-map",
	"r": "relocatable", "R": "rpath", "T": "script", "Bshareable": "shared", "h": "soname", "(": "start-group",
	"s": "strip-all", "S": "strip-debug", "t": "trace", "y": "trace-symbol", "u": "undefined", "V": "v", "w": "no-warnings",
	// The spellings of the first DTLTO patches.
	"thinlto-remote-opt-tool": "thinlto-remote-compiler", "thinlto-remote-opt-tool-arg": "thinlto-remote-compiler-arg",
}

func optionTable() map[string]option {
	table := make(map[string]option, 400)
	for _, list := range []struct {
		names string
		form  form
		dash  dashes
	}{
		{flagsEither, flag, either}, {flagsTwo, flag, two}, {flagsOne, flag, one},
		{equalsAny, equals, either}, {equalsTwo, equals, two},
		{separateTwo, separate, two}, {separateOne, separate, one},
		{valueOne, joinedOrSeparate, one},
		{joinedAny, joined, either}, {joinedTwo, joined, two},
	} {
		for name := range strings.FieldsSeq(list.names) {
			canonical := strings.TrimSuffix(name, "=")
			if alias, ok := aliases[canonical]; ok {
				canonical = alias
			}
			table[name] = option{canonical, list.form, list.dash}
		}
	}
	return table
}
