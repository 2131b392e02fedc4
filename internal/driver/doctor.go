// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/action"
	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/exec"
	"github.com/dtlto/dtlto/internal/remote"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/toolchain"
)

// Doctor tries what links would do with the cluster that was chosen, step by step, and
// says of each step in words whether it works. The error says how many did not.
func Doctor(ctx context.Context, s *settings.Settings, connect Connect, compiler string, w io.Writer) error {
	connect = becomeRemote(s, connect)
	d := &doctor{ctx: ctx, settings: s, connect: connect, w: w, trial: newTrial()}
	if d.step("compiler", func() (string, error) { return d.findCompiler(compiler) }) {
		if len(s.Launcher) > 0 {
			d.step("launcher", d.tryLauncher)
		}
		d.cluster()
	}
	if d.failed > 0 {
		return fmt.Errorf("%d of %d checks failed", d.failed, d.done)
	}
	return nil
}

type doctor struct {
	ctx      context.Context
	settings *settings.Settings
	connect  Connect
	w        io.Writer

	done, failed int
	client       Cluster
	capabilities remote.Capabilities
	compiler     string
	identity     toolchain.Identity
	trial        []byte // a module
	object       []byte // what the compiler makes of it here
}

// step does a check, and prints what came of it.
func (d *doctor) step(what string, check func() (string, error)) bool {
	d.done++
	found, err := check()
	if err != nil {
		d.failed++
		fmt.Fprintf(d.w, "FAIL  %s: %v\n", what, err)
		return false
	}
	fmt.Fprintf(d.w, "ok    %s: %s\n", what, found)
	return true
}

// findCompiler finds the clang, and compiles with it here.
func (d *doctor) findCompiler(name string) (string, error) {
	var err error
	if name == "" {
		if name, err = theClang(d.settings); err != nil {
			return "", err
		}
	}
	if d.compiler, err = exec.FindCompiler(name); err != nil {
		return "", err
	}
	version, err := toolchain.ClangVersion(d.compiler)
	if err != nil {
		return "", err
	}
	if d.identity, err = identify(d.compiler)(); err != nil {
		return "", fmt.Errorf("%w: its compiles are neither cached nor done elsewhere", err)
	}
	if d.object, err = d.compileHere(); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s is clang %s", d.compiler, version), nil
}

// tryLauncher has the compiler say its version behind the launcher.
func (d *doctor) tryLauncher() (string, error) {
	l, err := newLauncher(d.settings.Launcher)
	if err != nil {
		return "", err
	}
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	words := l.inFront(folder, nil, nil)
	var said, complaint bytes.Buffer
	code, err := exec.Tool(d.ctx, l.path, slices.Concat(words[1:], []string{d.compiler, "--version"}), compilerEnvironment(), &said, &complaint)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s: exited with %d: %s", exec.CommandLine(words), code, strings.TrimSpace(complaint.String()))
	}
	if err != nil {
		return "", err
	}
	here, err := toolchain.ClangVersion(d.compiler)
	if err != nil {
		return "", err
	}
	there, err := toolchain.ParseClangVersion(d.compiler, said.String())
	if err == nil && here != there {
		err = fmt.Errorf("%s is clang %s there, and %s here", d.compiler, there, here)
	}
	return fmt.Sprintf("%s is clang %s there, too", d.compiler, there), err
}

// theClang is the one of links that say nothing else.
func theClang(s *settings.Settings) (string, error) {
	lld, err := toolchain.FindLLD(toolchain.Hints{Explicit: s.LLD})
	if err != nil {
		return "", err
	}
	return toolchain.FindClang(lld)
}

func (d *doctor) cluster() {
	options := d.settings.Remote()
	if !options.Remote() {
		fmt.Fprintln(d.w, "      no cluster is chosen (--remote-executor, --remote-cache): everything is compiled here")
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

// newTrial is a module that every machine compiles to the same object, and that no
// storage has yet.
func newTrial() []byte {
	return []byte("; " + remote.UUID() + "\ndefine i32 @dtlto_doctor(i32 %x) {\n  %y = mul i32 %x, 42\n  ret i32 %y\n}\n")
}

// trialAction compiles the trial module.
func (d *doctor) trialAction() *action.Action {
	const input, output = "00.ll", "output0.o"
	target := "x86_64-unknown-linux-gnu"
	if runtime.GOARCH == "arm64" {
		target = "aarch64-unknown-linux-gnu"
	}
	return &action.Action{
		Args:    []string{"clang", "-c", "--target=" + target, "-O2", "-Wno-override-module", "-x", "ir", input, "-o", output},
		Inputs:  []action.Input{{Name: input, Digest: cas.DigestOf(d.trial)}},
		Outputs: []string{output}, Toolchain: "doctor",
	}
}

func (d *doctor) compileHere() ([]byte, error) {
	folder, err := os.MkdirTemp("", "dtlto-doctor-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	a := d.trialAction()
	input, output := filepath.Join(folder, a.Inputs[0].Name), filepath.Join(folder, a.Outputs[0])
	if err := os.WriteFile(input, d.trial, 0o600); err != nil {
		return nil, err
	}
	var said bytes.Buffer
	args := action.Replace(a.Args[1:], map[string]string{a.Inputs[0].Name: input, a.Outputs[0]: output})
	code, err := exec.Tool(d.ctx, d.compiler, args, compilerEnvironment(), &said, &said)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s: exited with %d: %s", d.compiler, code, strings.TrimSpace(said.String()))
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(output)
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
