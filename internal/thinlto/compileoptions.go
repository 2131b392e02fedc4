// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import "strings"

// isForSources takes an option that changes nothing in a compile of bitcode, with its
// word.
//
// These are options with which Clang 13, 14, 15, 16, 19 and 22 run the very same compile
// command (clang -###) as without, and write no other file, a list of dependencies
// included. People have them in the flags that they give to all compiles.
func (r *compileReader) isForSources(word string) bool {
	if forSources[word] {
		return true
	}
	for _, option := range withWord {
		if word == option {
			r.value(word)
			return true
		}
	}
	for _, option := range withRest {
		if strings.HasPrefix(word, option) {
			return true
		}
	}
	return false
}

var (
	forSources = set("-MD -MMD -MP -pipe -fno-lto")
	withWord   = strings.Fields("-D -U -I -isystem -iquote -idirafter -include -imacros -MF -MT -MQ")
	// withRest begin with nothing that other options begin with.
	withRest = strings.Fields("-D -U -I -isystem/ -fmacro-prefix-map=")
)

// separate are the other options of Clang's whose value is the next word (LLVM 13 to 22).
// One that is missing here leaves its word to be taken for an input.
var separate = set("-mllvm -mmlir -Xclang -Xclangas -Xanalyzer -Xassembler -Xlinker -Xpreprocessor -Xcuda-fatbinary -Xcuda-ptxas " +
	"-Xopenmp-target -Xoffload-linker -Xarch_host -Xarch_device -Xthinlto-distributor -F -L -T -A -B -G -J -b -e -l -t -u -z -MJ -arch " +
	"-isystem-after -iprefix -iwithprefix -iwithprefixbefore -iwithsysroot -isysroot -iframework -iframeworkwithsysroot " +
	"-imultilib -ivfsoverlay -iapinotes-modules -include-pch -cxx-isystem -stdlib++-isystem -working-directory -resource-dir " +
	"-serialize-diagnostics --serialize-diagnostics -dependency-file -dependency-dot -module-dependency-dir -dumpdir -dsym-dir " +
	"-rpath -framework -filelist -install_name -current_version -compatibility_version -undefined -weak_library -bundle_loader " +
	"-force_load -exported_symbols_list -unexported_symbols_list -sectcreate -segprot -segaddr --param --imacros --include " +
	"-ccc-gcc-name -ccc-install-dir -fdebug-compilation-dir -fmodules-user-build-path -ftrapv-handler -gen-cdb-fragment-path " +
	"-meabi -mthread-model -target-cpu -vfsoverlay --vfsoverlay -verify-pch -darwin-target-variant -darwin-target-variant-triple " +
	"--config --sysroot --prefix --std --stdlib --rtlib --param --define-macro --undefine-macro --include-directory --library-directory " +
	"--assemble --for-linker --mhwdiv")

func set(words string) map[string]bool {
	s := map[string]bool{}
	for _, word := range strings.Fields(words) {
		s[word] = true
	}
	return s
}
