// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package toolchain

import (
	"os"
	"strconv"
	"strings"
)

// ParentProgram is the path of the program that started this one, or empty
// when that cannot be told (it ended, or belongs to somebody else).
func ParentProgram() string {
	path, err := os.Readlink("/proc/" + strconv.Itoa(os.Getppid()) + "/exe")
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(path, " (deleted)")
}
