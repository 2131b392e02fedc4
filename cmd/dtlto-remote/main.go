// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command dtlto-remote is dtlto with a client for the Remote Execution API. dtlto
// becomes this program when a cluster has been chosen; it is a program of its own
// because the client's libraries cost 3 ms of every start.
package main

import (
	"os"

	"github.com/dtlto/dtlto/internal/command"
	"github.com/dtlto/dtlto/internal/driver"
	"github.com/dtlto/dtlto/internal/reapi"
	"github.com/dtlto/dtlto/internal/remote"
)

func main() { os.Exit(command.Main(os.Args, connect)) }

func connect(o remote.Options) (driver.Cluster, error) { return reapi.Connect(o) }
