// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import "runtime/debug"

// Version is the module's version or, in a build from a checkout, its
// revision, as the build recorded them.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && v == "(devel)" {
			v += " " + s.Value
		}
	}
	return v + " (" + info.GoVersion + ")"
}
