// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/dtlto/dtlto/internal/remote"
	"github.com/dtlto/dtlto/internal/settings"
)

// remoteProgram is the name of the program that has a client for clusters.
const remoteProgram = "dtlto-remote"

// becomeRemote turns this process into dtlto-remote, with the same command line, if a
// cluster was chosen and this program has no client for one. If that cannot be, what it
// returns says why.
func becomeRemote(s *settings.Settings, connect Connect) Connect {
	options := s.Remote()
	if connect != nil || !options.Remote() {
		return connect
	}
	path, err := findRemoteProgram()
	if err == nil {
		err = becomeAs(path, os.Args)
	}
	return func(remote.Options) (Cluster, error) { return nil, err }
}

// findRemoteProgram looks beside this program, then on PATH.
func findRemoteProgram() (string, error) {
	if self, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(self); err == nil {
			self = real
		}
		if path, err := exec.LookPath(filepath.Join(filepath.Dir(self), remoteProgram)); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(remoteProgram)
	if err != nil {
		err = errors.New("a cluster was chosen, but " + remoteProgram + ", which has the client, is neither beside dtlto nor on PATH (install it too)")
	}
	return path, err
}
