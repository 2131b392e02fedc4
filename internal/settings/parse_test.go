// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"strings"
	"testing"
)

// TestCheck has values that are right, and values that are wrong with a part of what is
// said of them. No error has the value in it: it may be a secret.
func TestCheck(t *testing.T) {
	for _, tc := range []struct {
		name, right, wrong string // values, with | between them
		message            string
	}{
		{"jobs", "1|32767", "0|-1|32768|many||1.5|1e3|0x10", "must be a number from 1 to 32767"},
		{"remote-retries", "0|100", "-1|101", "must be a number from 0 to 100"},
		{"keep-going", "|true|false|yes|no|on|off|0|1", "perhaps|TRUE", "must be true or false"},
		{"min-free-memory", "0|64k|2G|7T|12345", "lots|99999999999T|-1|G|1.5G", "must be a size"},
		{"mode", "auto|native|staged", "|both", "must be native, staged or auto"},
		{"remote-timeout", "60|90s|2m|1h30m|0.5|24h", "0|-1|25h|86401||soon|1e99|NaN|99999999999999999999", "must be seconds"},
		{"remote-local-delay", "0|0.1|5ms", "-1s", "must be seconds"},
		{"remote-executor", "|h:1|grpc://h:1|grpcs://h|unix:/s|unix:///s|grpc://user:Secret@h", "grpc://|a b|x\ny|grpcx://Secret|grpc:h:1|grpc:/h:1", "must be an address"},
		{"remote-instance-name", "|a/b|ä", "a\nb|\x7f", "must not have control characters"},
		{"remote-header", "a=|A-b_c.1=x y|a==", "=x|a|Authorization: Bearer Secret|Authorization: Basic Secret==|ä=b", "must be NAME=VALUE"},
		{"remote-cache-header", "a=b", "a=Secret\n|a=\x00|a=ä", "printable"},
		{"remote-default-exec-properties", "a=|a=b=c|OS Family=ä", "a|=b|a=\n", "must be KEY=VALUE"},
		{"remote-compiler", "|/usr/bin/clang", "clang|./clang|C:/clang", "must be an absolute path"},
		{"credential-helper", "helper|/a|/a=b|*.x.example=helper|h.example=/a=b", "|./a|a/b|h=|h=./x", "must name a program"},
		{"credential-helper", "h=a", "*.=a|=a|h*=a|a b=c|*=a", "must have a host"},
		{"launcher", "|srun -n1|'a b' c", "'a|\"|x\\", "must "},
	} {
		for _, v := range strings.Split(tc.right, "|") {
			if err := Check(tc.name, v); err != nil {
				t.Errorf("%s=%s: %v", tc.name, v, err)
			}
		}
		for _, v := range strings.Split(tc.wrong, "|") {
			err := Check(tc.name, v)
			if err == nil || !strings.HasPrefix(err.Error(), "must") || !strings.Contains(err.Error(), tc.message) || strings.Contains(err.Error(), "Secret") {
				t.Errorf("%s=%q: error %v, want %q", tc.name, v, err, tc.message)
			}
		}
	}
	if Check("frobnicate", "") == nil {
		t.Error("an unknown setting can be set")
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("Authorization=Bearer x")
	f.Add("*.example=/helper")
	f.Add("1h30m")
	f.Fuzz(func(_ *testing.T, v string) {
		s := new(Settings)
		for i := range All {
			_ = s.Set(All[i].Name, v)
			_ = All[i].shown(v)
		}
		_ = s.Remote()
		_, _ = s.HandOn()
	})
}
