// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build !unix

package record

import "time"

func processorTime() time.Duration { return 0 }
