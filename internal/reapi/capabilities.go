// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"context"
	"errors"
	"fmt"
	"slices"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"github.com/bazelbuild/remote-apis/build/bazel/semver"

	"github.com/dtlto/dtlto/internal/reapi/channel"
	"github.com/dtlto/dtlto/internal/remote"
)

// major is the version of the API that this client speaks.
const major = 2

// session is what was agreed with the servers. It does not change.
type session struct {
	remote.Capabilities
	function repb.DigestFunction_Value
	prefix   string // of names for byte streams: the instance's
	// zstdStreams and zstdBatches say whether to compress.
	zstdStreams, zstdBatches bool
	// refusal is why nothing can be executed, or nil.
	refusal error
	// translation is for servers that do not take SHA-256, else nil.
	translation *translation
}

// Capabilities are what the servers say of themselves. They are asked once. If only
// the executor cannot be asked, there is an error beside what the storage said.
func (c *Client) Capabilities(ctx context.Context) (remote.Capabilities, error) {
	s, err := c.session(ctx)
	if err != nil {
		return remote.Capabilities{}, err
	}
	if c.executor == nil || errors.Is(s.refusal, errNoExecution) {
		return s.Capabilities, nil
	}
	return s.Capabilities, s.refusal
}

// session asks the servers, unless that was done.
func (c *Client) session(ctx context.Context) (*session, error) {
	if s := c.known.Load(); s != nil {
		return s, nil
	}
	return c.asking.join(ctx, c, c.ask)
}

// executing is session for those who execute. An executor that could not be
// asked is asked again.
func (c *Client) executing(ctx context.Context) (*session, error) {
	s, err := c.session(ctx)
	if err != nil || s.refusal == nil {
		return s, err
	}
	var e *remote.Error
	if errors.As(s.refusal, &e) && e.Final {
		return s, s.refusal
	}
	if s, err = c.asking.join(ctx, c, c.ask); err != nil {
		return s, err
	}
	return s, s.refusal
}

// ask asks both, even at one address: both have connections to be made, and perhaps
// headers of their own to be accepted.
func (c *Client) ask() (*session, error) {
	var executor *repb.ServerCapabilities
	var refusal error
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		if c.executor != nil {
			executor, refusal = c.askOne(c.executor)
		}
	}()
	storage, err := c.askOne(c.storage)
	<-asked
	if err != nil {
		return nil, err
	}
	s, err := c.agree(storage, executor, refusal)
	if err == nil {
		c.known.Store(s)
	}
	return s, err
}

func (c *Client) elsewhere() bool { return c.o.Cache != "" && c.o.Cache != c.o.Executor }

func (c *Client) askOne(to *channel.Channel) (reply *repb.ServerCapabilities, err error) {
	err = to.Do(c.ctx, "capabilities", func(ctx context.Context) (err error) {
		reply, err = repb.NewCapabilitiesClient(to).GetCapabilities(c.identity.link(ctx),
			&repb.GetCapabilitiesRequest{InstanceName: c.o.Instance})
		return err
	})
	return reply, err
}

// agree makes a session of what the servers said. Without the executor's word it
// is one for the storage.
func (c *Client) agree(storage, executor *repb.ServerCapabilities, refusal error) (*session, error) {
	caps, err := merge(storage, executor)
	if err != nil {
		return nil, &remote.Error{What: "capabilities of " + c.addresses(), Err: err, Final: true}
	}
	s := &session{Capabilities: caps, prefix: prefix(c.o.Instance), refusal: refusal}
	if s.refusal == nil && !caps.Execution {
		s.refusal = c.noExecution()
	}
	s.zstdStreams, s.zstdBatches = caps.Zstd && c.o.Compression, caps.BatchZstd && c.o.Compression
	s.function = repb.DigestFunction_SHA256
	if caps.Digest == remote.BLAKE3 {
		s.function = repb.DigestFunction_BLAKE3
		s.translation = c.translation
	}
	if caps.MaxBatch > 0 {
		c.batch.Store(min(maxMessage, caps.MaxBatch))
	}
	return s, nil
}

func (c *Client) addresses() string {
	if c.executor != nil && c.elsewhere() {
		return c.storage.String() + " and " + c.executor.String()
	}
	return c.storage.String()
}

var errNoExecution = errors.New("the server says that it executes nothing")

func (c *Client) noExecution() error {
	if c.executor == nil {
		return &remote.Error{What: "execute", Err: errors.New("there is no executor"), Hint: "set --remote-executor", Final: true}
	}
	return &remote.Error{What: "execute on " + c.executor.String(), Err: errNoExecution, Final: true,
		Hint: "--remote-executor must be the address of a server with workers; one that only stores is for --remote-cache"}
}

func prefix(instance string) string {
	if instance == "" {
		return ""
	}
	return instance + "/"
}

// merge is what two servers can do together; executor is nil if there is none or it
// did not answer.
func merge(storage, executor *repb.ServerCapabilities) (c remote.Capabilities, err error) {
	cache, execution := storage.GetCacheCapabilities(), executor.GetExecutionCapabilities()
	if cache == nil {
		return c, errors.New("the server says nothing of a storage; --remote-cache must be the address of one")
	}
	c.Execution = execution.GetExecEnabled()
	c.ActionCacheUpdate = cache.GetActionCacheUpdateCapabilities().GetUpdateEnabled()
	c.MaxBatch, c.MaxBlob = max(0, cache.MaxBatchTotalSizeBytes), max(0, cache.MaxCasBlobSizeBytes)
	c.Zstd = slices.Contains(cache.SupportedCompressors, repb.Compressor_ZSTD)
	c.BatchZstd = slices.Contains(cache.SupportedBatchUpdateCompressors, repb.Compressor_ZSTD)
	if c.Digest, err = digestFunction(cache, execution); err != nil {
		return c, err
	}
	c.Low, c.High, err = versions(storage, executor)
	return c, err
}

// digestFunction chooses one that both take, SHA-256 if possible: it is what this
// program names its files by. A server that says nothing takes that.
func digestFunction(cache *repb.CacheCapabilities, execution *repb.ExecutionCapabilities) (remote.DigestFunction, error) {
	offers := [][]repb.DigestFunction_Value{cache.GetDigestFunctions()}
	if execution.GetExecEnabled() {
		offers = append(offers, append(slices.Clone(execution.DigestFunctions), execution.DigestFunction))
	}
	for _, f := range []repb.DigestFunction_Value{repb.DigestFunction_SHA256, repb.DigestFunction_BLAKE3} {
		if !slices.ContainsFunc(offers, func(offer []repb.DigestFunction_Value) bool { return !offered(f, offer) }) {
			return remote.DigestFunction(f.String()), nil
		}
	}
	return "", fmt.Errorf("the digest functions offered are %v, and neither SHA256 nor BLAKE3 is common to all", offers)
}

func offered(f repb.DigestFunction_Value, offer []repb.DigestFunction_Value) bool {
	unsaid := !slices.ContainsFunc(offer, func(o repb.DigestFunction_Value) bool { return o != repb.DigestFunction_UNKNOWN })
	return slices.Contains(offer, f) || unsaid && f == repb.DigestFunction_SHA256
}

// versions are those that both servers speak. Servers that say nothing of it exist.
func versions(servers ...*repb.ServerCapabilities) (low, high string, err error) {
	var l, h *semver.SemVer
	for _, s := range servers {
		sl, sh := s.GetLowApiVersion(), s.GetHighApiVersion()
		if sl.GetMajor() > major || sh != nil && sh.GetMajor() < major {
			return "", "", fmt.Errorf("the server speaks versions %s to %s of the Remote Execution API, not 2.x", version(sl), version(sh))
		}
		if l == nil || compare(sl, l) > 0 {
			l = sl
		}
		if h == nil || sh != nil && compare(sh, h) < 0 {
			h = sh
		}
	}
	return version(l), version(h), nil
}

func version(v *semver.SemVer) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%d.%d", v.Major, v.Minor)
}

func compare(a, b *semver.SemVer) int {
	return slices.Compare([]int32{a.GetMajor(), a.GetMinor()}, []int32{b.GetMajor(), b.GetMinor()})
}
