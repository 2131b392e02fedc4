// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

// StagedObstacle says which option, besides those that ltoTable knows, keeps a link
// by an LLD of a major version from being done in steps, as an *Untranslatable, or
// nil.
func (c *Command) StagedObstacle(major int) error {
	for _, arg := range c.Args {
		if why := stagedObstacle(arg, major); why != "" && !arg.IsInput() {
			return &Untranslatable{c.spell(arg), why}
		}
	}
	return nil
}

// IndexObstacle says which option cannot be in a link that a build system does in steps
// (--thinlto-index=), as an *Untranslatable, or nil.
func (c *Command) IndexObstacle() error {
	const onlyBackends = "is for the compilers of the backends, which are run apart"
	why := map[string]string{
		"chroot": "changes what paths mean", "lto-emit-asm": onlyBackends, "lto-emit-llvm": onlyBackends,
		"reproduce":             "packs one link up, and these are two",
		"thinlto-single-module": "leaves modules out, which the final link needs",
	}
	for _, arg := range c.Args {
		if why, ok := why[arg.Name]; ok && !arg.IsInput() {
			return &Untranslatable{c.spell(arg), why}
		}
	}
	return nil
}

func stagedObstacle(arg Arg, major int) (why string) {
	switch arg.Name {
	case "why-extract", "print-archive-stats":
		switch {
		case arg.Value == "-":
			return "prints where the thin link says what it loads"
		case major < 15:
			return "makes no file in the thin link of LLD before 15, and what was extracted cannot be told later"
		}
	case "trace-symbol":
		return "prints as symbols are resolved, which two links would do twice"
	case "chroot":
		return "changes what paths mean"
	}
	return ""
}
