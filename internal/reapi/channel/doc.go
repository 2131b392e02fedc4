// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package channel keeps the connections to one address of a cluster: gRPC with or
// without TLS, headers and credentials, deadlines, calls that are tried again, and
// giving up for good when a server is of no use. Its errors name the setting to
// change. It knows nothing of the Remote Execution API but the name of the header
// for RequestMetadata.
//
// Headers and credentials go wherever the user's address says: over grpc:// that is
// in plain text, as with Bazel. They appear in no error and in no String.
//
// Connections are made directly. A proxy is never used, whatever HTTPS_PROXY says
// (which gRPC for Go would obey even for hosts that Bazel reaches directly).
//
// A channel that has given up stays so: a link lasts minutes, what could be done
// remotely is done locally by then, and a server that comes and goes would cost the
// link a wait for each time.
package channel
