// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"slices"
	"strconv"
	"strings"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"lukechampine.com/blake3"
)

// key is a digest that has been checked.
type key struct {
	function repb.DigestFunction_Value
	hash     string
	size     int64
}

// String is the form that Stats has: hash and size.
func (k key) String() string { return k.hash + "/" + strconv.FormatInt(k.size, 10) }

// subject is how the API names a missing blob in the details of an error.
func (k key) subject() string {
	if k.function == BLAKE3 {
		return "blobs/blake3/" + k.String()
	}
	return "blobs/" + k.String()
}

func (k key) proto() *repb.Digest { return &repb.Digest{Hash: k.hash, SizeBytes: k.size} }

func newHash(function repb.DigestFunction_Value) hash.Hash {
	if function == BLAKE3 {
		return blake3.New(32, nil)
	}
	return sha256.New()
}

func keyOf(function repb.DigestFunction_Value, data []byte) key {
	h := newHash(function)
	h.Write(data)
	return key{function, hex.EncodeToString(h.Sum(nil)), int64(len(data))}
}

// function is the digest function of a request. One that does not say, the API
// has the server infer from the length, which is that of SHA-256.
func (s *Server) function(asked repb.DigestFunction_Value) (repb.DigestFunction_Value, error) {
	if asked == repb.DigestFunction_UNKNOWN {
		asked = SHA256
	}
	if !slices.Contains(s.o.Functions, asked) {
		return 0, status.Errorf(codes.InvalidArgument, "Unknown digest function %v", asked)
	}
	return asked, nil
}

// newKey checks what a digest says of itself.
func newKey(function repb.DigestFunction_Value, d *repb.Digest) (key, error) {
	if d == nil {
		return key{}, status.Error(codes.InvalidArgument, "No digest provided")
	}
	if len(d.Hash) != 64 {
		return key{}, status.Errorf(codes.InvalidArgument, "Hash has length %d, while 64 characters were expected", len(d.Hash))
	}
	if strings.Trim(d.Hash, "0123456789abcdef") != "" {
		return key{}, status.Errorf(codes.InvalidArgument, "Non-hexadecimal character in digest hash: %q", d.Hash)
	}
	if d.SizeBytes < 0 {
		return key{}, status.Errorf(codes.InvalidArgument, "Invalid digest size: %d bytes", d.SizeBytes)
	}
	return key{function, d.Hash, d.SizeBytes}, nil
}

// request checks the instance name and the digest function of a request.
func (s *Server) request(instance string, asked repb.DigestFunction_Value) (repb.DigestFunction_Value, error) {
	if instance != s.o.Instance {
		return 0, status.Errorf(codes.InvalidArgument, "Failed to obtain backend for instance name %q: Unknown instance name", instance)
	}
	return s.function(asked)
}

// resource is the name of a blob in a byte stream.
type resource struct {
	key
	zstd bool
}

// resource reads such a name: [INSTANCE/][uploads/UUID/]blobs/[blake3/]HASH/SIZE
// or compressed-blobs/zstd/ in place of blobs/.
func (s *Server) resource(name string, upload bool) (resource, error) {
	bad := status.Errorf(codes.InvalidArgument, "Invalid resource naming scheme: %q", name)
	fields := strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
	i := slices.IndexFunc(fields, func(f string) bool {
		return f == "uploads" && upload || (f == "blobs" || f == "compressed-blobs") && !upload
	})
	if i < 0 {
		return resource{}, bad
	}
	instance, rest := strings.Join(fields[:i], "/"), fields[i:]
	if upload {
		rest = rest[min(2, len(rest)):]
	}
	var r resource
	switch {
	case len(rest) >= 3 && rest[0] == "blobs":
		rest = rest[1:]
	case len(rest) >= 4 && rest[0] == "compressed-blobs":
		if r.zstd = rest[1] == "zstd" && s.o.Zstd; !r.zstd {
			return r, status.Errorf(codes.Unimplemented, "Unsupported compression scheme %q", rest[1])
		}
		rest = rest[2:]
	default:
		return r, bad
	}
	return s.resourceDigest(r, instance, rest, upload, bad)
}

// resourceDigest reads the rest of the name. An upload's may have more at its end.
func (s *Server) resourceDigest(r resource, instance string, rest []string, upload bool, bad error) (resource, error) {
	function := repb.DigestFunction_UNKNOWN
	if rest[0] == "blake3" {
		function, rest = BLAKE3, rest[1:]
	}
	if len(rest) < 2 || len(rest) > 2 && !upload {
		return r, bad
	}
	function, err := s.request(instance, function)
	if err != nil {
		return r, err
	}
	size, err := strconv.ParseInt(rest[1], 10, 64)
	if err != nil {
		return r, status.Errorf(codes.InvalidArgument, "Invalid blob size %q", rest[1])
	}
	r.key, err = newKey(function, &repb.Digest{Hash: rest[0], SizeBytes: size})
	return r, err
}
