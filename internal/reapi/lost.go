// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"encoding/hex"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	"github.com/dtlto/dtlto/internal/cas"
)

// missing are the inputs of which the server says that it does not have them.
func (e *execution) missing(err error) (lost []cas.Digest) {
	said := make(map[cas.Digest]bool)
	for _, detail := range status.Convert(err).Details() {
		if failure, ok := detail.(*errdetails.PreconditionFailure); ok {
			for _, v := range failure.Violations {
				if d, ok := subject(v); ok {
					said[d] = true
				}
			}
		}
	}
	for _, d := range e.digests() {
		if said[d] {
			lost = append(lost, d)
		}
	}
	return lost
}

// digests are all inputs'.
func (e *execution) digests() []cas.Digest {
	all := make([]cas.Digest, len(e.action.Blobs))
	for i := range all {
		all[i] = e.action.Blobs[i].Digest
	}
	return all
}

// subject reads "blobs/HASH/SIZE", or with the digest function between them
// (remote_execution.proto, Execute).
func subject(v *errdetails.PreconditionFailure_Violation) (d cas.Digest, ok bool) {
	if v.GetType() != "MISSING" {
		return d, false
	}
	parts := strings.Split(v.Subject, "/")
	// An instance's name may stand before it.
	if len(parts) < 3 {
		return d, false
	}
	hash, size := parts[len(parts)-2], parts[len(parts)-1]
	if len(hash) != 2*len(d.Hash) {
		return d, false
	}
	if _, err := hex.Decode(d.Hash[:], []byte(hash)); err != nil {
		return d, false
	}
	n, err := strconv.ParseInt(size, 10, 64)
	d.Size = n
	return d, err == nil && n >= 0
}
