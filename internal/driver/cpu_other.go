// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build !unix

package driver

import "time"

// ownCPU is not known on this system.
func ownCPU() time.Duration { return 0 }
