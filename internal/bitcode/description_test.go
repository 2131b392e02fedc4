// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package bitcode

import "testing"

// A shard that says to skip its module says nothing else; what is no shard is an error.
// What real shards say is looked at where they are printed, in the driver.
func TestDescribe(t *testing.T) {
	none := func(s SymbolSummary) { t.Errorf("%+v", s) }
	d, err := Describe(SkipIndex(), none)
	if err != nil || d.Version != skipSummaryVersion || d.Flags != "module not used" || len(d.Modules) != 0 || d.Unknown != "" {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err := Describe([]byte("BC\xc0\xde"), none); err == nil {
		t.Errorf("%+v", d)
	}
	if got := (&Module{Hash: [5]uint32{1, 0xfedcba98, 0, 0, 2}}).HashText(); got != "00000001fedcba98000000000000000000000002" {
		t.Error(got)
	}
	if got := new(Module).HashText(); got != "" {
		t.Error(got)
	}
}
