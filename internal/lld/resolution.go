// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import "slices"

// resolving are options that have a say in which definition a symbol gets and who may
// see it. The backends of a link rely on what its thin link found with them.
var resolving = map[string]bool{
	"entry": true, "init": true, "fini": true, "undefined": true, "undefined-glob": true, "require-defined": true, "wrap": true, "defsym": true,
	"export-dynamic-symbol": true, "export-dynamic-symbol-list": true, "dynamic-list": true, "version-script": true, "exclude-libs": true,
	"retain-symbols-file": true, "Bsymbolic": true, "Bsymbolic-functions": true, "Bsymbolic-non-weak": true,
	"Bsymbolic-non-weak-functions": true, "Bno-symbolic": true, "allow-multiple-definition": true, "script": true, "default-script": true,
}

// Resolution are the command's options that have a say in symbol resolution, sorted:
// what a final link must have in common with the thin link of its backends.
func (c *Command) Resolution() []string {
	var options []string
	for name, on := range map[string]bool{
		"--shared": c.Has("shared"), "--pie": c.Enabled("pie"), "--relocatable": c.Has("relocatable"), "--export-dynamic": c.Enabled("export-dynamic"),
	} {
		if on {
			options = append(options, name)
		}
	}
	for _, arg := range c.Args {
		if resolving[arg.Name] && !arg.IsInput() {
			option := "--" + arg.Name
			if arg.Value != "" {
				option += "=" + arg.Value
			}
			options = append(options, option)
		}
	}
	slices.Sort(options)
	return slices.Compact(options)
}
