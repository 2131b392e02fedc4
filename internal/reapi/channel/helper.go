// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/dtlto/dtlto/internal/remote"
)

// Bazel's --credential_helper_cache_duration and --credential_helper_timeout.
const (
	defaultLifetime      = 30 * time.Minute
	defaultHelperTimeout = 10 * time.Second
)

const (
	// minLifetime is how long a credential is used at least, even one that had expired
	// when it came (clocks differ): else every call would run the helper.
	minLifetime = 10 * time.Second
	// maxAhead is how long before it expires a credential is renewed at most, while the
	// old one is still used; with a short life, a tenth of that.
	maxAhead = time.Minute
	// minRenewal is how old a credential must be for a server's refusal of it to run
	// the helper again.
	minRenewal = 5 * time.Second
)

// credential is what a helper gave.
type credential struct {
	headers          []string // names in turn with values
	made             time.Time
	renewal, expires time.Time
}

// helperError says that a credential helper failed. Its text has no secret of the
// helper's output.
type helperError struct{ err error }

func (e *helperError) Error() string { return e.err.Error() }
func (e *helperError) Unwrap() error { return e.err }

// helper runs one program for one address. It is shared by the channels that need
// the same, for a program may ask its user to log in.
type helper struct {
	path, uri string
	timeout   time.Duration
	now       func() time.Time

	ctx   context.Context // ends when nobody has a use for it
	end   context.CancelFunc
	runs  sync.WaitGroup
	users int // guarded by helpers.mu

	mu      sync.Mutex
	current *credential
	run     *helperRun // under way
	secrets secrets    // of all credentials so far
}

// helperRun is one run of the program; its results are set when done is closed.
type helperRun struct {
	done   chan struct{}
	result *credential
	err    error
}

// helperKey tells helpers apart.
type helperKey struct {
	path, uri string
	timeout   time.Duration
}

// helpers are those in use in this process.
var helpers = struct {
	mu sync.Mutex
	m  map[helperKey]*helper
}{m: make(map[helperKey]*helper)}

// openHelper finds the helper that is meant for an address; nil if there is none.
func openHelper(a address, o *remote.Options) (*helper, error) {
	chosen, err := chooseHelper(a, o.CredentialHelpers)
	if chosen == nil || err != nil {
		return nil, err
	}
	path, err := exec.LookPath(chosen.Path)
	if err != nil {
		var lookup *exec.Error
		if errors.As(err, &lookup) {
			err = lookup.Err
		}
		return nil, fmt.Errorf("--credential-helper: %s: %w", chosen.Path, withoutPath(err))
	}
	timeout := o.CredentialHelperTimeout
	if timeout <= 0 {
		timeout = defaultHelperTimeout
	}
	return shareHelper(helperKey{path, helperURI(a), timeout}), nil
}

func shareHelper(key helperKey) *helper {
	helpers.mu.Lock()
	defer helpers.mu.Unlock()
	h := helpers.m[key]
	if h == nil {
		h = &helper{path: key.path, uri: key.uri, timeout: key.timeout, now: time.Now}
		h.ctx, h.end = context.WithCancel(context.Background())
		helpers.m[key] = h
	}
	h.users++
	return h
}

// close ends a helper's program when the last channel has no use for it any more.
func (h *helper) close() {
	if h == nil {
		return
	}
	helpers.mu.Lock()
	h.users--
	last := h.users == 0
	if last {
		delete(helpers.m, helperKey{h.path, h.uri, h.timeout})
	}
	helpers.mu.Unlock()
	if last {
		h.end()
		h.runs.Wait()
	}
}

// helperURI is what a helper is asked for: https whatever the scheme, and no port if
// it is 443, as Bazel does; Bazel adds the service's name and asks for each.
func helperURI(a address) string {
	host, port, _ := net.SplitHostPort(a.dial)
	if port == "443" {
		return "https://" + authority(host, "")
	}
	return "https://" + authority(host, port)
}

// chooseHelper finds the most specific helper for an address: one for the host, else
// the longest matching wildcard, else one for all; the last of equals. "*.d" is d and
// what ends in ".d". Sockets have no host and no credentials. All scopes are checked.
func chooseHelper(a address, all []remote.CredentialHelper) (*remote.CredentialHelper, error) {
	var chosen *remote.CredentialHelper
	best := -1
	for i := range all {
		scope := strings.ToLower(all[i].Scope)
		if err := checkScope(scope); err != nil {
			return nil, fmt.Errorf("--credential-helper: %w", err)
		}
		if fits := scopeFits(scope, strings.ToLower(a.host)); fits >= best && fits >= 0 {
			chosen, best = &all[i], fits
		}
	}
	if a.network == "unix" {
		return nil, nil
	}
	return chosen, nil
}

// scopeFits says how specific a scope is for a host, -1 if it is for others.
func scopeFits(scope, host string) int {
	domain, wildcard := strings.CutPrefix(scope, "*.")
	switch {
	case scope == "":
		return 0
	case !wildcard && scope == host:
		return maxAddress
	case wildcard && (host == domain || strings.HasSuffix(host, "."+domain)):
		return len(domain)
	}
	return -1
}

func checkScope(scope string) error {
	domain := strings.TrimPrefix(scope, "*.")
	if scope == "" || domain != "" && (checkHost(domain) == nil || net.ParseIP(domain) != nil) {
		return nil
	}
	return fmt.Errorf("%q is no host name, and not \"*.\" and a domain", cut(scope, 60))
}

// get gives a credential that is valid, running the program if there is none. One
// that will expire soon is used while the program runs for the next. The error is
// ctx's cause or a *helperError.
func (h *helper) get(ctx context.Context) (*credential, error) {
	h.mu.Lock()
	now := h.now()
	valid := h.current != nil && now.Before(h.current.expires)
	if valid && now.Before(h.current.renewal) {
		defer h.mu.Unlock()
		return h.current, nil
	}
	run, current := h.start(), h.current
	h.mu.Unlock()
	if valid {
		return current, nil
	}
	select {
	case <-run.done:
		return run.result, run.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// start begins a run unless one is under way. The caller holds the lock.
func (h *helper) start() *helperRun {
	if h.run != nil {
		return h.run
	}
	run := &helperRun{done: make(chan struct{})}
	h.run = run
	h.runs.Add(1)
	go func() {
		defer h.runs.Done()
		result, err := h.ask()
		h.mu.Lock()
		h.finish(run, result, err)
		h.mu.Unlock()
		close(run.done)
	}()
	return run
}

// finish keeps what a run brought. If it failed, a credential that is still valid is
// used until it expires, with the next try a while away.
func (h *helper) finish(run *helperRun, result *credential, err error) {
	run.result, run.err = result, err
	h.run = nil
	if err == nil {
		h.current = result
		h.secrets = append(h.secrets, values(result.headers)...)
	} else if h.current != nil {
		next := *h.current
		next.renewal = h.now().Add(minLifetime)
		h.current = &next
	}
}

// renew forgets a credential that a server refused, so that the next call runs the
// program. It says whether calling again is any use: not if the credential is new.
func (h *helper) renew(used *credential) bool {
	if h == nil || used == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.current != nil && h.current.made.After(used.made) {
		return true // somebody else did already
	}
	if h.now().Sub(used.made) < minRenewal {
		return false
	}
	h.current = nil
	return true
}

// ask runs the program.
func (h *helper) ask() (*credential, error) {
	ctx, cancel := context.WithTimeout(h.ctx, h.timeout)
	defer cancel()
	output, err := runHelper(ctx, h.path, h.uri)
	if err == nil {
		var c *credential
		if c, err = readCredential(output, h.now()); err == nil {
			return c, nil
		}
	} else if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("did not answer within %s, which is --credential-helper-timeout", h.timeout)
	}
	return nil, &helperError{fmt.Errorf("credential helper %s %w", h.path, err)}
}

// latest is the newest credential, valid or not; nil if there is none.
func (h *helper) latest() *credential {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.current
}
