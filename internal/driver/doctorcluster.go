// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/action"
	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/remote"
)

func (d *doctor) cluster() {
	options := d.settings.Remote()
	if !options.Remote() {
		d.say("none", "cluster", "no cluster is chosen (--remote-executor, --remote-cache): everything is compiled here")
		return
	}
	options.Tool, options.ToolVersion, options.Invocation, options.Link = "dtlto", Version(), remote.UUID(), "doctor"
	if !d.step("cluster", func() (string, error) { return d.ask(options) }) {
		return
	}
	defer d.client.Close()
	properties := propertiesOf(d.settings.RemoteExecProperties)
	sent, err := sentCompiler(d.compiler, d.identity, properties)
	if options.Executor != "" {
		if path := d.settings.RemoteCompiler; path != "" {
			w := &worker{Worker: action.NewWorker([]string{path}, properties, nil)}
			d.step("the workers' own "+path, func() (string, error) {
				execute := func(ctx context.Context, a *remote.Action) (remote.Result, error) {
					return executeSoon(ctx, d.client, a, options.Timeout)
				}
				if err := checkVersion(d.ctx, execute, w, path, d.compiler); err != nil {
					return "", err
				}
				return d.compileThere(w)
			})
		}
		d.step("the compiler sent along", func() (string, error) {
			if err != nil {
				return "", err
			}
			return d.compileThere(sent)
		})
	}
	if d.settings.RemoteUploadLocalResults {
		d.step("sharing what is compiled here", d.shareIfAllowed)
	}
}

func (d *doctor) ask(options remote.Options) (string, error) {
	var err error
	if d.client, err = d.connect(options); err != nil {
		return "", err
	}
	if d.capabilities, err = d.client.Capabilities(d.ctx); err != nil {
		d.client.Close()
		return "", err
	}
	c := d.capabilities
	words := []string{fmt.Sprintf("API %s to %s", c.Low, c.High), fmt.Sprintf("digests %s", c.Digest)}
	for _, is := range []struct {
		yes  bool
		what string
	}{{c.Execution, "executes"}, {c.ActionCacheUpdate, "takes results"}, {c.Zstd, "zstd streams"}, {c.BatchZstd, "zstd batches"}} {
		if is.yes {
			words = append(words, is.what)
		}
	}
	if options.Executor != "" && !c.Execution {
		return "", fmt.Errorf("%s: does not execute (a server that only stores is for --remote-cache; one that executes may do so for another --remote-instance-name)",
			options.Executor)
	}
	return strings.Join(words, ", "), nil
}

// executeSoon has an action executed that must be back in time once its inputs are
// there: a cluster without workers may have it wait for them, silently.
func executeSoon(ctx context.Context, client Cluster, a *remote.Action, timeout time.Duration) (remote.Result, error) {
	if err := client.Ensure(ctx, a.Blobs); err != nil {
		return remote.Result{}, err
	}
	ctx, stop := context.WithTimeoutCause(ctx, timeout, &remote.Error{
		What: "execute", Err: fmt.Errorf("no result after %s", timeout),
		Hint: "is there a worker with just these --remote-default-exec-properties? --remote-timeout waits longer",
	})
	defer stop()
	return client.Execute(ctx, a, true)
}

// compileThere compiles the trial on a worker, past the cache, and compares.
func (d *doctor) compileThere(w *worker) (string, error) {
	a := asRemote(d.trialAction(), w, "(a trial)")
	a.Blobs = append(a.Blobs, inMemory(d.trial))
	r, err := executeSoon(d.ctx, d.client, a, d.settings.Remote().Timeout)
	if err != nil {
		return "", err
	}
	if r.ExitCode != 0 {
		return "", fmt.Errorf("the compiler exited with %d: %s", r.ExitCode, strings.TrimSpace(string(r.Messages)))
	}
	if len(r.Outputs) != 1 {
		return "", errors.New("the compiler exited with 0 but made no object")
	}
	switch {
	case r.Outputs[0].Digest != cas.DigestOf(d.object):
		return "", fmt.Errorf("makes another object than %s does here", d.compiler)
	case r.Worker != "":
		return "makes the same object as here, on " + printable(r.Worker), nil
	}
	return "makes the same object as here", nil
}

// shareIfAllowed takes a cache that only the cluster itself may write for what it often
// is, unless there is nothing but the cache.
func (d *doctor) shareIfAllowed() (string, error) {
	found, err := d.share()
	if _, refused := errors.AsType[*remote.Error](err); refused && d.settings.Remote().Executor != "" {
		return fmt.Sprintf("is not possible: %v. What the cluster compiles is shared all the same", err), nil
	}
	return found, err
}

// share publishes a result and asks for it.
func (d *doctor) share() (string, error) {
	a := d.trialAction()
	a.Toolchain += " " + remote.UUID() // nobody else's
	object := remote.Output{Name: a.Outputs[0], Digest: cas.DigestOf(d.object)}
	r := asRemote(a, &worker{Worker: action.NewWorker(a.Args[:1], nil, nil)}, "(a trial)")
	if err := d.client.Ensure(d.ctx, append(r.Blobs, inMemory(d.object))); err != nil {
		return "", err
	}
	if err := d.client.Publish(d.ctx, r.Key, remote.Result{Outputs: []remote.Output{object}}); err != nil {
		return "", err
	}
	_, known, err := d.client.Result(d.ctx, r)
	if err == nil && !known {
		err = errors.New("a result that was published is not to be had")
	}
	if err != nil {
		return "", err
	}
	return "a result was published and found again", nil
}
