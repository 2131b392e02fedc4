// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"context"
	"fmt"
	"slices"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"github.com/bazelbuild/remote-apis/build/bazel/semver"
)

// capabilities answers for one address: with separate addresses each knows only
// its own half, as Buildbarn's storage and scheduler.
type capabilities struct {
	repb.UnimplementedCapabilitiesServer
	*Server
	execution, storage bool
}

func (c capabilities) GetCapabilities(_ context.Context, in *repb.GetCapabilitiesRequest) (*repb.ServerCapabilities, error) {
	if _, err := c.request(in.InstanceName, c.o.Functions[0]); err != nil {
		return nil, err
	}
	out := &repb.ServerCapabilities{LowApiVersion: version(c.o.Low), HighApiVersion: version(c.o.High)}
	if c.storage {
		out.CacheCapabilities = c.cacheCapabilities()
	}
	if c.execution {
		out.ExecutionCapabilities = &repb.ExecutionCapabilities{
			DigestFunction: c.o.Functions[0], DigestFunctions: c.o.Functions, ExecEnabled: true}
	}
	return out, nil
}

func (c capabilities) cacheCapabilities() *repb.CacheCapabilities {
	out := &repb.CacheCapabilities{
		DigestFunctions:               slices.Clone(c.o.Functions),
		ActionCacheUpdateCapabilities: &repb.ActionCacheUpdateCapabilities{UpdateEnabled: !c.o.ReadOnly},
		MaxBatchTotalSizeBytes:        c.o.MaxBatch,
		MaxCasBlobSizeBytes:           c.o.MaxBlob,
		SymlinkAbsolutePathStrategy:   repb.SymlinkAbsolutePathStrategy_ALLOWED,
	}
	if c.o.Zstd {
		out.SupportedCompressors = []repb.Compressor_Value{repb.Compressor_ZSTD}
	}
	if c.o.BatchZstd {
		out.SupportedBatchUpdateCompressors = []repb.Compressor_Value{repb.Compressor_ZSTD}
	}
	return out
}

// version reads "2.3".
func version(text string) *semver.SemVer {
	v := &semver.SemVer{}
	_, _ = fmt.Sscanf(text, "%d.%d.%d", &v.Major, &v.Minor, &v.Patch)
	return v
}
