// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package castest_test

import (
	"testing"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/cas/castest"
)

func TestMemory(t *testing.T) {
	castest.Run(t, func(*testing.T) cas.Store { return new(castest.Memory) })
}
