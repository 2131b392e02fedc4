// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package reporttest checks, for tests, what package report writes: lines of events
// against their schema, and traces as strictly as the strictest program that reads them;
// and it holds pages that document JSON to the Go types.
package reporttest
