// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapi

import (
	"context"
	"encoding/hex"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/reapi/channel"
	"github.com/dtlto/dtlto/internal/remote"
)

// mnemonic is the kind of all our actions.
const mnemonic = "ThinLTOBackend"

// Fields of RequestMetadata that differ between actions.
const (
	fieldAction = 2
	fieldTarget = 6
)

// identity is what every call says of its origin: the message RequestMetadata,
// serialised but for the action, whose fields are put behind it.
type identity []byte

func newIdentity(o *remote.Options) identity {
	b, err := proto.Marshal(&repb.RequestMetadata{
		ToolDetails:             &repb.ToolDetails{ToolName: valid(o.Tool), ToolVersion: valid(o.ToolVersion)},
		ToolInvocationId:        valid(o.Invocation),
		CorrelatedInvocationsId: valid(o.Link),
		ActionMnemonic:          mnemonic,
	})
	if err != nil { // only for what is not UTF-8, and it is
		return nil
	}
	return b
}

// link marks calls for several actions.
func (i identity) link(ctx context.Context) context.Context { return channel.WithMetadata(ctx, i) }

// action marks calls for one.
func (i identity) action(ctx context.Context, key cas.ActionKey, module string) context.Context {
	module = valid(module)
	b := make([]byte, 0, len(i)+2*len(key.Hash)+len(module)+8)
	b = append(b, i...)
	b = protowire.AppendTag(b, fieldAction, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(2*len(key.Hash)))
	b = hex.AppendEncode(b, key.Hash[:])
	if module != "" {
		b = protowire.AppendTag(b, fieldTarget, protowire.BytesType)
		b = protowire.AppendString(b, module)
	}
	return channel.WithMetadata(ctx, b)
}
