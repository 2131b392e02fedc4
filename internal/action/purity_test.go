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

		{"-O -Os -O3 -Wno-error=pass-failed -falign-loops=32 -falign-functions -fno-vectorize -mllvm -enable-foo -mllvm -x=true", ""},

		// What stands in the flags of all compiles.
		{"-g -g3 -Wall -w -std=c++17 -pedantic -pthread -fno-exceptions -fvisibility=hidden -fcf-protection -fcf-protection=branch " +
			"-fstack-protector-strong -fdiagnostics-color -fno-inline -ftls-model=initial-exec", ""},
		{"-std", "not known"}, {"-g=x", "not known"}, {"-fcf-protection=a/b", "not known"},

		{"-march=native", "machine"}, {"-mtune=native", "machine"}, {"-mcpu=native", "machine"}, {"-mcpu=native+crc", "machine"},
		{"-fprofile-use=default.profdata", "may name a file"}, {"-fprofile-sample-use=p", "may name a file"}, {"-fprofile-use", "not known"},
		{"-fbasic-block-sections=list=f.txt", "may name a file"}, {"-fthinlto-index=foo", "may name a file"},
		{"-fplugin=p.so", "not known"}, {"-fpass-plugin=p", "not known"}, {"-fno-integrated-as", "not known"}, {"-fstack-usage", "not known"},
		{"-fsave-optimization-record", "not known"}, {"-ftime-trace", "not known"}, {"-ftime-report", "not known"},
		{"-fsanitize-ignorelist=foo", "not known"}, {"-fxray-always-instrument=foo", "not known"}, {"-gen-reproducer=always", "not known"},
		{"-gsplit-dwarf", "not known"}, {"-save-temps", "not known"}, {"-MD", "not known"}, {"@args", "not known"}, {"other.o", "not known"},
		{"-I.", "not known"}, {"-Wl,x", "not known"}, {"-Wa,x", "not known"}, {"-x c", "not known"}, {"-v", "not known"}, {"-mmlir x", "not known"},
		{"-mllvm -stats", "not known"}, {"-mllvm -some-option=a/b", "not known"}, {"-mllvm -some-option=x", "not known"}, {"-mllvm x", "not known"},
		{"-mllvm -print-after-all", "not known"}, {"-mllvm -exec-on-ir-change=spy", "not known"}, {"-mllvm -cgscc-inline-replay=r", "not known"},
		{"-mllvm=-stats", "not known"}, {"-mllvm=-load=foo", "not known"}, {"-mllvm", "not known"}, {"-x", "not known"},
		{"-mllvm -memprof-import-summary=foo", "not known"}, {"-mllvm -dfsan-abilist=foo", "not known"}, {"-mllvm -csprof-instr-use=foo", "not known"},
		{"-Xclang -mlink-builtin-bitcode -Xclang foo", "not known"}, {"-Xclang -load -Xclang p", "not known"}, {"-Xclang", "not known"},
		{"-Xclang -target-cpu", "not known"}, {"-Xclang -target-cpu -Xclang a/b", "not known"}, {"-Xclang -target-cpu x -Xclang", "not known"},
		{"-fdebug-compilation-dir=/x", "not known"}, {"-ffile-prefix-map=/a=/b", "not known"}, {"-Ofoo", "not known"}, {"-mcmodel=a/b", "not known"},
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
