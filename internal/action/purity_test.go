// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package action

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, tc := range []struct {
		args string
		why  string // empty: pure
	}{
		// What LLD 22 and ld.dtlto send.
		{"-c --target=x86_64-unknown-linux-gnu -O3 -faddrsig -ffunction-sections -fdata-sections -fpic " +
			"-Wno-unused-command-line-argument -mllvm -no-pgo-warn-mismatch -x ir 00.bc -fthinlto-index=index.thinlto.bc -o output0.o", ""},
		{"--no-default-config -Wno-override-module -fno-pic -fprofile-sample-use=input0.prof -fprofile-use=input0.prof", ""},
		{"-fbasic-block-sections=list=input0.prof -fbasic-block-sections=all -glldb -gstrict-dwarf -mtls-dialect=gnu2", ""},
		{"-Xclang -fprofile-instrument=csllvm -Xclang -fprofile-instrument-path=/data/%m.profraw", ""},
		{"-Xclang -target-feature -Xclang +avx2 -Xclang -target-abi -Xclang lp64d -march=x86-64-v3", ""},
		{"--target=arm64-apple-macosx10.15.0 -mllvm -import-instr-limit=40 -mllvm -import-cold-multiplier=0.5", ""},
		{"-mllvm -inline-threshold=-5 -fno-direct-access-external-data", ""},

		{"-march=native", "machine"}, {"-mtune=native", "machine"}, {"-mcpu=native", "machine"},
		{"-fprofile-use=default.profdata", "make or read"}, {"-fprofile-sample-use=p", "make or read"},
		{"-fbasic-block-sections=list=f.txt", "may name a file"},
		{"-fplugin=p.so", "make or read"}, {"-fpass-plugin=p", "make or read"},
		{"-fsave-optimization-record", "make or read"}, {"-ftime-trace", "make or read"}, {"-ftime-report", "make or read"},
		{"-gsplit-dwarf", "not known"}, {"-save-temps", "not known"}, {"-MD", "not known"}, {"@args", "not known"}, {"other.o", "not known"},
		{"-I.", "not known"}, {"-Wl,x", "not known"}, {"-x c", "not known"}, {"-v", "not known"},
		{"-mllvm -stats", "make or read"}, {"-mllvm -some-option=a/b", "may name a file"}, {"-mllvm -some-option=x.txt", "may name a file"},
		{"-mllvm -print-after-all", "make or read"}, {"-mllvm -x=\\\\server", "may name a file"},
		{"-Xclang -foo -Xclang ./p.so", "may name a file"}, {"-Xclang -load -Xclang p", "make or read"},
		{"-mllvm", "not known"}, {"-fdebug-compilation-dir=/x", "make or read"}, {"-ffile-prefix-map=/a=/b", "make or read"},
	} {
		a := Action{
			Args:    append([]string{"clang"}, strings.Fields(tc.args)...),
			Inputs:  []Input{{Name: "00.bc"}, {Name: "index.thinlto.bc"}, {Name: "input0.prof"}},
			Outputs: []string{"output0.o"},
		}
		err := a.Check()
		if (err == nil) != (tc.why == "") || err != nil && !strings.Contains(err.Error(), tc.why) {
			t.Errorf("%s: %v, want %q", tc.args, err, tc.why)
		}
	}
}
