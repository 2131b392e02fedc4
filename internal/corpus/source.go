// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package corpus

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The pins. A version is only ever changed together with its digest: the sum as
// the Go checksum database has it, the integrity as npm's package index has it.
const (
	zstdModule = "github.com/DataDog/zstd@v1.5.7"
	zstdSum    = "h1:ybO8RBeh29qrxIhCA9E8gKY6xfONU9T6G6aP9DTKfLE="

	sqliteModule = "github.com/mattn/go-sqlite3@v1.14.53"
	sqliteSum    = "h1:mnTM0owzUMrKuLo+0w51NUiB0ir2Fo7kFXlPt/l3BGs="

	re2Package   = "re2@1.27.1"
	re2Integrity = "sha512-J0RHubiwH/isNWD2Z+TX+hpVZCkaS/X30KPtYwckK5sjEaW8BRhnd15EPIjBB5GxD174iEVtJmmCoqfErH1qDQ=="

	levelDBPackage   = "leveldown@6.1.1"
	levelDBIntegrity = "sha512-88c+E+Eizn4CkQOBHwqlCJaTNEjGpaEIikn1S+cINc5E9HEvJ77bqY4JY/HxT5u0caWqsc3P3DcFIKBI1vHt+A=="
)

// fetchZstd copies the zstd module's C sources into dir, fetchSQLite SQLite's.
func fetchZstd(dir string) error   { return fetchModule(dir, zstdModule, zstdSum) }
func fetchSQLite(dir string) error { return fetchModule(dir, sqliteModule, sqliteSum) }

func fetchModule(dir, pin, sum string) error {
	module, err := downloadModule(pin, sum)
	if err != nil {
		return err
	}
	return copySources(dir, module)
}

// downloadModule returns the folder of a Go module in the module cache, having
// compared the sum of its contents with the pinned one.
func downloadModule(pin, sum string) (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", pin)
	cmd.Dir = os.TempDir() // outside any module: no go.mod of ours is looked at or changed
	out, err := cmd.Output()
	var info struct{ Dir, Sum, Error string }
	if jsonErr := json.Unmarshal(out, &info); jsonErr != nil {
		return "", fmt.Errorf("module %s: go mod download: %w", pin, withOutput(err))
	}
	if info.Error != "" {
		return "", fmt.Errorf("module %s: %s", pin, info.Error)
	}
	if info.Sum != sum {
		return "", fmt.Errorf("module %s: sum is %s, want %s", pin, info.Sum, sum)
	}
	return info.Dir, nil
}

func copySources(to, from string) error {
	for _, glob := range []string{"*.c", "*.h", "*.S"} {
		files, err := filepath.Glob(filepath.Join(from, glob))
		if err != nil {
			return err
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(to, filepath.Base(f)), text, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// fetchPackage gives what unpacks an npm package, pinned as name@version, into
// a folder.
func fetchPackage(pin, integrity string) func(dir string) error {
	return func(dir string) error {
		cmd := exec.Command("npm", "pack", "--silent", "--ignore-scripts", pin)
		cmd.Dir = dir
		if _, err := cmd.Output(); err != nil {
			return fmt.Errorf("package %s: npm pack: %w", pin, withOutput(err))
		}
		name := strings.Replace(pin, "@", "-", 1) + ".tgz"
		tarball := filepath.Join(dir, name)
		if err := checkIntegrity(tarball, integrity); err != nil {
			return err
		}
		tar := exec.Command("tar", "-xzf", name, "--strip-components=1", "--no-same-owner")
		tar.Dir = dir
		if _, err := tar.Output(); err != nil {
			return fmt.Errorf("package %s: tar: %w", pin, withOutput(err))
		}
		return os.Remove(tarball)
	}
}

// checkIntegrity compares the SHA-512 digest of a file with a subresource
// integrity string, as npm publishes it.
func checkIntegrity(file, want string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	sum := sha512.Sum512(data)
	if got := "sha512-" + base64.StdEncoding.EncodeToString(sum[:]); got != want {
		return fmt.Errorf("%s: integrity is %s, want %s", file, got, want)
	}
	return nil
}

// withOutput adds what the command said on stderr to the error of exec.Cmd.Output.
func withOutput(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) || len(bytes.TrimSpace(exit.Stderr)) == 0 {
		return err
	}
	return fmt.Errorf("%w\n%s", err, strings.TrimSpace(string(exit.Stderr)))
}

// sourceDir returns the folder with the program's sources, fetching them if they
// are not there yet. A fetch that fails leaves nothing behind.
func (p Program) sourceDir(cache string) (string, error) {
	dir := filepath.Join(cache, p.Name, "src")
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	} else if !os.IsNotExist(err) {
		return "", err
	}
	aside, err := os.MkdirTemp(filepath.Join(cache, p.Name), "fetch-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(aside) }()
	if err := p.fetch(aside); err != nil {
		return "", err
	}
	if err := os.Chmod(aside, 0o755); err != nil {
		return "", err
	}
	return dir, os.Rename(aside, dir)
}
