// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build !unix

package report

import "os"

// terminalWidth knows no terminals: there is no status line on this system.
func terminalWidth(*os.File) (int, bool) { return 0, false }

func isForeground(_ *os.File, unknown bool) bool { return unknown }
