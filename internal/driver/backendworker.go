// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dtlto/dtlto/internal/action"
	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/toolchain"
)

// workerTrust is for how long the compiles of a build system believe each other that the
// workers' compiler is the right one. A link asks once; these would ask as often as they
// compile, in an action of its own each time.
const workerTrust = 10 * time.Minute

// checkWorker checks the version of the compiler that workers have, unless a compile of
// the build that we are part of did so a moment ago.
func (c *cluster) checkWorker(ctx context.Context, w *worker, path string) error {
	mark := ""
	if c.edge && c.store != nil {
		mark = c.workerMark(w)
	}
	if info, err := os.Stat(mark); err == nil && time.Since(info.ModTime()).Abs() < workerTrust {
		return nil
	}
	err := checkVersion(ctx, c.executeAgain, w, path, c.compiler)
	if err == nil && mark != "" && os.MkdirAll(filepath.Dir(mark), 0o777) == nil {
		_ = os.WriteFile(mark, nil, 0o666) // or the next one asks again
	}
	return err
}

// workerMark is the file whose time says when a worker was checked for our compiler.
func (c *cluster) workerMark(w *worker) string {
	version, err := toolchain.ClangVersion(c.compiler)
	folder, wrong := c.settings.CacheFolder()
	if err != nil || wrong != nil {
		return ""
	}
	kind := action.Action{Args: []string{"clang"}, Toolchain: version.String()}
	where := cas.DigestOf(fmt.Appendf(nil, "%s %s", c.settings.Remote().Executor, kind.EncodeFor(w.Worker).Key))
	return filepath.Join(folder, "toolchain", fmt.Sprintf("worker-%x", where.Hash))
}
