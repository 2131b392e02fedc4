// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build !linux

package cas

import (
	"errors"
	"os"
)

func cloneFile(_, _ *os.File) error { return errors.ErrUnsupported }
