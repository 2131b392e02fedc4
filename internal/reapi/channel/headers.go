// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dtlto/dtlto/internal/remote"
)

// metadataHeader carries RequestMetadata of the Remote Execution API.
const metadataHeader = "build.bazel.remote.execution.v2.requestmetadata-bin"

// reservedHeaders are HTTP's and gRPC's own; a server would refuse the call, or gRPC
// would leave them out without a word.
var reservedHeaders = map[string]bool{
	"connection": true, "content-length": true, "content-type": true, "host": true,
	"keep-alive": true, "proxy-connection": true, "te": true, "trailer": true,
	"transfer-encoding": true, "upgrade": true, "user-agent": true,
}

// headers are a channel's fixed headers: names in lower case, in turn with values.
func staticHeaders(service Service, o *remote.Options) ([]string, error) {
	pairs, err := appendHeaders(nil, "--remote-header", o.Headers)
	if err != nil {
		return nil, err
	}
	if service == Execution {
		return appendHeaders(pairs, "--remote-exec-header", o.ExecHeaders)
	}
	return appendHeaders(pairs, "--remote-cache-header", o.CacheHeaders)
}

func appendHeaders(pairs []string, setting string, headers []remote.Header) ([]string, error) {
	for _, h := range headers {
		name, err := checkHeader(h.Name, h.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", setting, err)
		}
		pairs = append(pairs, name, h.Value)
	}
	return pairs, nil
}

// checkHeader returns a header's name in lower case, as HTTP/2 has it. Its errors do
// not repeat the value, nor a name that may be a value.
func checkHeader(name, value string) (string, error) {
	lower := strings.ToLower(name)
	if lower == "" {
		return "", errors.New("the header has no name; write NAME=VALUE")
	}
	for _, c := range lower {
		if !isLetterOrDigit(c) && !strings.ContainsRune("-_.", c) {
			return "", errors.New("the header's name has something else in it than letters, digits, '-', '_' and '.'; write NAME=VALUE")
		}
	}
	if reservedHeaders[lower] || strings.HasPrefix(lower, "grpc-") || lower == metadataHeader {
		return "", fmt.Errorf("header %s is gRPC's or this program's own, and cannot be set", cut(lower, 60))
	}
	if strings.HasSuffix(lower, "-bin") {
		return lower, nil // any bytes: gRPC encodes them
	}
	return lower, checkValue(lower, value)
}

func checkValue(name, value string) error {
	for _, c := range []byte(value) {
		if c == '\n' || c == '\r' {
			return fmt.Errorf("the value of header %s has a line break in it (at the end of a file that it was read from?)", cut(name, 60))
		}
		if c < ' ' || c > '~' {
			return fmt.Errorf("the value of header %s has something else in it than printable ASCII", cut(name, 60))
		}
	}
	return nil
}

// values are every second string of pairs.
func values(pairs []string) secrets {
	var s secrets
	for i := 1; i < len(pairs); i += 2 {
		s = s.add(pairs[i])
	}
	return s
}

// merge adds a credential's headers to fixed ones; of those with the same name the
// credential's count, as it is the newer.
func merge(fixed, credential []string) []string {
	if len(credential) == 0 {
		return fixed
	}
	named := make(map[string]bool)
	for i := 0; i < len(credential); i += 2 {
		named[credential[i]] = true
	}
	merged := append([]string(nil), credential...)
	for i := 0; i < len(fixed); i += 2 {
		if !named[fixed[i]] {
			merged = append(merged, fixed[i], fixed[i+1])
		}
	}
	return merged
}
