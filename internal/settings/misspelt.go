// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"errors"
	"strings"
)

// Misspelt are warnings about variables of an environment that look like settings and are
// none. Tests' and benchmarks' own are left alone.
func Misspelt(environ []string) (warnings []error) {
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		rest, ours := strings.CutPrefix(name, "DTLTO_")
		if !ours || strings.HasPrefix(rest, "TEST_") || strings.HasPrefix(rest, "BENCH_") || isVariable(name) {
			continue
		}
		warning := name + ": there is no such setting"
		if meant := nearestName(strings.ToLower(strings.ReplaceAll(rest, "_", "-")), false); meant != "" {
			warning += " (did you mean " + find(meant).variable() + "?)"
		}
		warnings = append(warnings, errors.New(warning))
	}
	return warnings
}

func isVariable(name string) bool {
	for i := range All {
		if All[i].variable() == name {
			return true
		}
	}
	return false
}
