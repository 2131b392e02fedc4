// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command dtlto distributes and caches the backend compiles of ThinLTO links.
// Called as ld.dtlto it is a linker; otherwise it is the distributor that LLD
// calls, and its tools. When a cluster has been chosen it becomes dtlto-remote.
package main

import (
	"os"

	"github.com/dtlto/dtlto/internal/command"
)

func main() { os.Exit(command.Main(os.Args, nil)) }
