// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build !linux

package driver

import "time"

func linkerStart(int) (started time.Time, ok bool) { return time.Time{}, false }
