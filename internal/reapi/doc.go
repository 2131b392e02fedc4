// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package reapi is a client of the Remote Execution API, version 2, for links of
// thousands of actions that share most of their inputs.
//
// One table has every blob that a server is known to have, or that is being asked
// about or sent: each is asked for once and sent once in a link, whoever needs it.
// Questions and small blobs of all actions wait in queues; whenever one of a few
// calls is free, everything that waits and fits goes with it. Nothing waits for
// company: an idle link sends at once, a busy one sends more at a time. There are
// no timers but those that end what hangs.
//
// Contents are read when they are about to be sent. What waits is a name, so memory
// is bounded by the calls under way: some MiB each.
//
// What is fetched is verified, contents and size, before it has its name.
//
// Errors are [*remote.Error], a [*cas.Miss] for blobs that a server does not have
// when they are fetched, the cause of a context that ended, or what the reading or
// writing of files here met.
package reapi
