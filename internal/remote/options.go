// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package remote

import "time"

// Options say where a cluster is and how it is spoken to.
type Options struct {
	// Executor and Cache are the addresses of the execution service, and of the
	// content-addressable storage with the action cache: grpc://HOST:PORT in plain
	// text, grpcs://HOST:PORT with TLS, unix:PATH; without a scheme, TLS. Either may be
	// empty: without an executor nothing runs there, without a cache the executor's
	// address has it.
	Executor, Cache string

	// Instance is the name of the instance on a server that has several.
	Instance string

	// Headers go with every call, the others only to one of the services.
	Headers, ExecHeaders, CacheHeaders []Header

	TLS TLS

	// CredentialHelpers are programs that give headers for an address, the most
	// specific one first.
	CredentialHelpers []CredentialHelper
	// CredentialHelperTimeout is how long one may take.
	CredentialHelperTimeout time.Duration

	// Timeout is how long one call may take, but for the wait for an execution, and how
	// long an execution may keep silent at its start.
	Timeout time.Duration
	// ConnectTimeout is how long a server may take to be reached at all.
	ConnectTimeout time.Duration
	// Retries is how often a call is tried again after a failure that may pass.
	Retries int
	// Connections is how many connections there may be to one address.
	Connections int
	// Jobs is how many executions are under way at once at most.
	Jobs int
	// Compression compresses blobs on the wire where the server can.
	Compression bool

	// Tool and ToolVersion name this program, Invocation this link, to the server:
	// RequestMetadata of the API. Link is what people call the link.
	Tool, ToolVersion, Invocation, Link string
}

// Header is a header of every call. Its value may be a secret.
type Header struct{ Name, Value string }

// TLS says whom to trust and who we are, as names of PEM files; empty for the
// system's certificates and for nobody.
type TLS struct{ Certificate, ClientCertificate, ClientKey string }

// CredentialHelper is a program that speaks Bazel's credential-helper protocol.
type CredentialHelper struct {
	// Scope is a host name, or "*." and a domain for all hosts in it; empty for all.
	Scope string
	// Path is the program's: absolute, or a name to look for on PATH.
	Path string
}

// Remote says whether there is anything to ask.
func (o Options) Remote() bool { return o.Executor != "" || o.Cache != "" }
