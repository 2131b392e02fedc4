// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/dtlto/dtlto/internal/remote"
)

// Service is what an address is used for.
type Service int

// The services of a cluster.
const (
	// Execution runs actions.
	Execution Service = iota
	// Storage has blobs and the action cache.
	Storage
)

// The settings that an address comes from.
const (
	executorSetting = "--remote-executor"
	cacheSetting    = "--remote-cache"
)

// What applies where Options say nothing: Bazel's --remote_timeout, and how long a
// user will wait to hear that a server is down.
const (
	defaultTimeout        = 60 * time.Second
	defaultConnectTimeout = 5 * time.Second
)

// Channel is the connections to one address. It may be used by many goroutines.
type Channel struct {
	address address
	service Service
	setting string // the one that the address comes from

	timeout time.Duration
	retries int

	headers    []string // fixed ones, names in turn with values
	helper     *helper  // may be nil
	identified bool     // there is a client certificate
	trusting   string   // the file of --tls-certificate

	link    *link
	pool    *pool
	breaker *breaker

	closing sync.Once

	served                  atomic.Bool // a call went well, ever
	calls, retried, givenUp atomic.Int64
}

// Open checks an address and all that is configured for it, and reads the files
// that it names. It does not use the network.
func Open(addr string, service Service, o *remote.Options) (*Channel, error) {
	c := &Channel{
		service: service, setting: settingOf(service, o), breaker: newBreaker(o.Jobs), retries: max(o.Retries, 0),
		timeout: orDefault(o.Timeout, defaultTimeout), trusting: o.TLS.Certificate, identified: o.TLS.ClientCertificate != "",
	}
	var err error
	if c.address, err = parseAddress(addr); err != nil {
		return nil, fmt.Errorf("%s: %w", c.setting, err)
	}
	if c.headers, err = staticHeaders(service, o); err != nil {
		return nil, err
	}
	creds, err := transport(c.address, o.TLS)
	if err != nil {
		return nil, err
	}
	c.link = &link{address: c.address, limit: orDefault(o.ConnectTimeout, defaultConnectTimeout)}
	if c.pool, err = newPool(c.address, creds, c.link, agent(o), o.Connections); err != nil {
		return nil, fmt.Errorf("%s: %w", c.setting, err)
	}
	if c.helper, err = openHelper(c.address, o); err != nil {
		c.pool.close()
		return nil, err
	}
	return c, nil
}

// settingOf is where an address was set: storage without one of its own is the executor's.
func settingOf(service Service, o *remote.Options) string {
	if service == Storage && (o.Cache != "" || o.Executor == "") {
		return cacheSetting
	}
	return executorSetting
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// transport is TLS as configured, nil for none.
func transport(a address, o remote.TLS) (credentials.TransportCredentials, error) {
	if err := checkPair(o); err != nil || !a.tls {
		return nil, err
	}
	config, err := tlsConfig(o, time.Now())
	if err != nil {
		return nil, err
	}
	return credentials.NewTLS(config), nil
}

// agent is how this program is called in the header User-Agent.
func agent(o *remote.Options) string {
	name := o.Tool
	if o.ToolVersion != "" {
		name += "/" + o.ToolVersion
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, cut(name, 100))
}

// Close ends all connections, the calls under way, and a credential helper that runs.
// It may be called again.
func (c *Channel) Close() {
	c.closing.Do(func() {
		c.pool.close()
		c.helper.close()
	})
}

// String is the address, complete and without secrets: "grpcs://host:443".
func (c *Channel) String() string { return c.address.String() }

// GoString is the same, lest %#v print headers.
func (c *Channel) GoString() string { return c.String() }

// Traffic has the calls begun, tried again and given up so far; nothing else.
func (c *Channel) Traffic() remote.Traffic {
	return remote.Traffic{Calls: c.calls.Load(), Retries: c.retried.Load(), Abandoned: c.givenUp.Load()}
}

// hide replaces what is secret in a text.
func (c *Channel) hide(text string) string {
	text = values(c.headers).hide(text)
	if c.helper != nil {
		text = c.helper.hide(text)
	}
	return text
}

// hide replaces what is secret in a helper's credential.
func (h *helper) hide(text string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.secrets.hide(text)
}
