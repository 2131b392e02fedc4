// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package reapitest

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var errTimeout = errors.New("timeout")

// execute runs the command in a folder made of the inputs.
func (j *job) execute(ctx context.Context, timeout time.Duration) error {
	if err := j.outside(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Join(j.dir, "work"), "")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	root := filepath.Join(dir, "root")
	if err := j.prepare(root); err != nil {
		return err
	}
	meta := j.result.ExecutionMetadata
	meta.InputFetchCompletedTimestamp, meta.ExecutionStartTimestamp = timestamppb.Now(), timestamppb.Now()
	err = j.start(ctx, dir, root, timeout)
	meta.ExecutionCompletedTimestamp, meta.OutputUploadStartTimestamp = timestamppb.Now(), timestamppb.Now()
	err = errors.Join(err, j.collect(dir, root))
	meta.OutputUploadCompletedTimestamp = timestamppb.Now()
	return firstStatus(err)
}

// firstStatus is the first of several errors, which may have a status.
func firstStatus(err error) error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		return joined.Unwrap()[0]
	}
	return err
}

// prepare makes the input root and the folders of outputs; not the working
// folder, which the API wants to be among the inputs.
func (j *job) prepare(root string) error {
	if err := os.Mkdir(root, 0o777); err != nil {
		return err
	}
	if err := j.inputs.build(root); err != nil {
		return err
	}
	if info, err := os.Stat(filepath.Join(root, j.command.WorkingDirectory)); err != nil || !info.IsDir() {
		return status.Errorf(codes.InvalidArgument, "Working directory %q is not in the input root", j.command.WorkingDirectory)
	}
	for p := range j.outputs() {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, p)), 0o777); err != nil {
			return status.Errorf(codes.InvalidArgument, "Failed to create output parent directory of %q: %v", p, err)
		}
	}
	if j.o.Root {
		return fillRoot(root, j.o.Proc)
	}
	return nil
}

// start runs the command to its end, or to that of its time or its waiters.
func (j *job) start(ctx context.Context, dir, root string, timeout time.Duration) error {
	program, err := j.program(root)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/nonexistent") // no search on our own PATH
	cmd.Err = nil
	cmd.Path, cmd.Args, cmd.Dir = program, slices.Clone(j.command.Arguments), filepath.Join(root, j.command.WorkingDirectory)
	cmd.Env = []string{} // not nil, which would be our own
	for _, v := range j.command.EnvironmentVariables {
		cmd.Env = append(cmd.Env, v.Name+"="+v.Value)
	}
	confine(cmd, root, j.command.WorkingDirectory, j.o)
	if err := j.wait(ctx, cmd, dir); err != nil {
		return err
	}
	j.result.ExitCode = int32(cmd.ProcessState.ExitCode())
	return nil
}

// wait runs a process, and ends what it leaves behind.
func (j *job) wait(ctx context.Context, cmd *exec.Cmd, dir string) error {
	stdout, err := os.Create(filepath.Join(dir, "stdout"))
	if err != nil {
		return err
	}
	defer stdout.Close()
	stderr, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		return err
	}
	defer stderr.Close()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := begin(ctx, cmd); err != nil {
		return err
	}
	err = cmd.Wait()
	endGroup(cmd)
	if ctx.Err() != nil {
		if errors.Is(context.Cause(ctx), errTimeout) {
			return status.Error(codes.DeadlineExceeded, "Failed to run command: context deadline exceeded")
		}
		return status.Error(codes.Canceled, "Failed to run command: context canceled")
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return status.Errorf(codes.Internal, "Failed to run command: %v", err)
	}
	return nil
}

// begin starts a process. A fork elsewhere in this process can have the program's
// file open for writing for a moment, so that it cannot be executed.
func begin(ctx context.Context, cmd *exec.Cmd) error {
	err := cmd.Start()
	for i := 0; i < 100 && errors.Is(err, syscall.ETXTBSY) && ctx.Err() == nil; i++ {
		time.Sleep(5 * time.Millisecond)
		cmd.Process = nil
		err = cmd.Start()
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(context.Cause(ctx), errTimeout):
		return status.Error(codes.DeadlineExceeded, "Failed to run command: context deadline exceeded")
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOEXEC), errors.Is(err, syscall.ENOTDIR):
		return status.Errorf(codes.InvalidArgument, "Failed to start process: %v", err)
	}
	return status.Errorf(codes.Internal, "Failed to start process: %v", err)
}

// program finds the command's program: as it is if it has a slash, else on the
// PATH of the command's environment.
func (j *job) program(root string) (string, error) {
	name := j.command.Arguments[0]
	if strings.Contains(name, "/") {
		return name, nil
	}
	search := ""
	for _, v := range j.command.EnvironmentVariables {
		if v.Name == "PATH" {
			search = v.Value
		}
	}
	for _, folder := range filepath.SplitList(search) {
		found := filepath.Join(folder, name)
		if !filepath.IsAbs(folder) {
			found = "./" + found
		}
		if info, err := os.Stat(j.host(root, found)); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return found, nil
		}
	}
	return "", status.Errorf(codes.InvalidArgument, "Cannot find executable %q in search paths %q", name, search)
}

// host is where the command's path is on this machine.
func (j *job) host(root, p string) string {
	if !filepath.IsAbs(p) {
		return filepath.Join(root, j.command.WorkingDirectory, p)
	}
	if j.o.Root {
		return filepath.Join(root, p)
	}
	return p
}

// collect stores what the command printed and made.
func (j *job) collect(dir, root string) error {
	out, err := os.ReadFile(filepath.Join(dir, "stdout"))
	if err == nil && len(out) > 0 {
		j.result.StdoutDigest, j.result.StdoutRaw, err = j.keepStream(out)
	}
	if err == nil {
		err = j.collectStderr(dir)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // there is none if it did not start
		return err
	}
	outputs := j.outputs()
	for _, p := range slices.Sorted(maps.Keys(outputs)) {
		if err := j.collectOutput(filepath.Join(root, p), outputs[p]); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) collectStderr(dir string) error {
	out, err := os.ReadFile(filepath.Join(dir, "stderr"))
	if err != nil || len(out) == 0 {
		return err
	}
	if _, ok := j.faults.take("Execute", NoStderr); ok {
		return nil
	}
	j.result.StderrDigest, j.result.StderrRaw, err = j.keepStream(out)
	if _, ok := j.faults.take("Execute", LostStderr); ok {
		j.store.evict(keyOf(j.op.key.function, out))
		j.result.StderrRaw = nil
	}
	return err
}

// keepStream stores a stream. Its bytes are in the result only by option: most
// servers leave that to the client.
func (j *job) keepStream(out []byte) (*repb.Digest, []byte, error) {
	k, err := j.store.keep(j.op.key.function, out)
	if !j.o.RawStreams {
		out = nil
	}
	return k.proto(), out, err
}

// collectOutput adds an output. One that is not there is no error: the result is
// silent about it.
func (j *job) collectOutput(file, name string) error {
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return status.Errorf(codes.Unimplemented, "Output %q is a directory, which this test server does not do", name)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(file)
		j.result.OutputSymlinks = append(j.result.OutputSymlinks, &repb.OutputSymlink{Path: name, Target: target})
		return err
	case !info.Mode().IsRegular():
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return j.output(name, data, info.Mode()&0o111 != 0)
}
