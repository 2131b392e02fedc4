// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Package packaging_test builds the Debian package and tries what is in it.
package packaging_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

func TestDebianPackage(t *testing.T) {
	if testing.Short() {
		t.Skip("builds both programs")
	}
	need(t, "dpkg-deb")
	first := buildPackage(t)
	t.Run("again", func(t *testing.T) { testSameBytes(t, first) })
	root := t.TempDir()
	run(t, nil, "dpkg-deb", "-x", first, root)
	t.Run("files", func(t *testing.T) { testFiles(t, root) })
	t.Run("installs", func(t *testing.T) { testInstalls(t, first) })
	t.Run("links", func(t *testing.T) { testLinks(t, root) })
	t.Run("bash", func(t *testing.T) { testBash(t, root) })
}

// buildPackage builds for this machine, whatever the variables are beside those of Go.
func buildPackage(t *testing.T, env ...string) string {
	out := t.TempDir()
	run(t, env, "../scripts/deb.sh", runtime.GOARCH, out)
	files, _ := filepath.Glob(filepath.Join(out, "*.deb"))
	if len(files) != 1 {
		t.Fatalf("%s: has %d packages", out, len(files))
	}
	return files[0]
}

func testSameBytes(t *testing.T, first string) {
	second := buildPackage(t, "TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "TMPDIR="+t.TempDir())
	a, _ := os.ReadFile(first)
	if b, _ := os.ReadFile(second); len(a) == 0 || !bytes.Equal(a, b) {
		t.Errorf("a package of %d bytes is another when built again, with %d", len(a), len(b))
	}
}

func testFiles(t *testing.T, root string) {
	for _, name := range []string{
		"bin/dtlto", "bin/dtlto-remote", "bin/ld.dtlto", "share/man/man1/dtlto.1.gz", "share/man/man1/dtlto-remote.1.gz", "share/man/man1/ld.dtlto.1.gz",
		"share/bash-completion/completions/dtlto", "share/zsh/vendor-completions/_dtlto", "share/fish/vendor_completions.d/dtlto.fish",
		"share/doc/dtlto/copyright", "share/doc/dtlto/THIRD-PARTY.txt", "share/doc/dtlto/changelog.Debian.gz", "share/doc/dtlto/docs/settings.md", "share/doc/dtlto/docs/pictures/report-light.png",
	} {
		if info, err := os.Stat(filepath.Join(root, "usr", name)); err != nil || info.Size() == 0 {
			t.Errorf("/usr/%s is not there (%v)", name, err)
		}
	}
	if target, _ := os.Readlink(filepath.Join(root, "usr/bin/ld.dtlto")); target != "dtlto" {
		t.Errorf("ld.dtlto is a link to %q", target)
	}
	if text, _ := os.ReadFile(filepath.Join(root, "usr/share/doc/dtlto/THIRD-PARTY.txt")); !bytes.Contains(text, []byte("==== google.golang.org/grpc ")) {
		t.Error("THIRD-PARTY.txt does not have what dtlto-remote has")
	}
}

// dpkg installs into a folder with a database of its own, if it may change owners.
func testInstalls(t *testing.T, file string) {
	if os.Getuid() != 0 {
		t.Skip("is not root")
	}
	root := t.TempDir()
	for _, folder := range []string{"info", "updates"} {
		if err := os.MkdirAll(filepath.Join(root, "var/lib/dpkg", folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, database := range []string{"status", "available"} {
		_ = os.WriteFile(filepath.Join(root, "var/lib/dpkg", database), nil, 0o600)
	}
	run(t, nil, "dpkg", "--log=/dev/null", "--root="+root, "--install", file)
	if out := run(t, nil, "dpkg", "--root="+root, "--status", "dtlto"); !strings.Contains(out, "install ok installed") {
		t.Errorf("dpkg says %s", out)
	}
	run(t, nil, "dpkg", "--log=/dev/null", "--root="+root, "--purge", "dtlto")
	if left, _ := filepath.Glob(filepath.Join(root, "usr/*/*dtlto*")); len(left) != 0 {
		t.Errorf("what is removed leaves %q", left)
	}
}

// clang finds the package's ld.dtlto, and that finds LLVM.
func testLinks(t *testing.T, root string) {
	for _, version := range llvmtest.Versions {
		clang := llvmtest.Tool(t, "clang-"+version)
		folder := t.TempDir()
		source := filepath.Join(folder, "a.c")
		_ = os.WriteFile(source, []byte("int main(void) { return 0; }\n"), 0o600)
		env := []string{"PATH=" + filepath.Join(root, "usr/bin") + ":" + os.Getenv("PATH"), "DTLTO_CACHE_DIR=" + filepath.Join(folder, "cache")}
		out := run(t, env, clang, "-O2", "-flto=thin", "-fuse-ld=dtlto", source, "-o", filepath.Join(folder, "a"), "-Wl,--dtlto-summary")
		if !strings.Contains(out, "1 compiled") {
			t.Errorf("LLVM %s: the link says %s", version, out)
		}
		run(t, nil, filepath.Join(folder, "a"))
	}
}

// testBash asks the package's script as bash does when Tab is pressed.
func testBash(t *testing.T, root string) {
	const library = "/usr/share/bash-completion/bash_completion"
	if _, err := os.Stat(library); err != nil {
		missing(t, library)
	}
	script := `compopt() { :; }
. ` + library + `
. "$1/usr/share/bash-completion/completions/dtlto"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($#-1)) COMP_LINE="$*" COMP_TYPE=9 COMP_KEY=9
COMP_POINT=${#COMP_LINE}
__start_dtlto
printf '%s\n' "${COMPREPLY[@]}"`
	for words, want := range map[string]string{"cache p": "prune", "depfile --format n": "ninja-dyndep", "config --remote-co": "--remote-compiler"} {
		args := append([]string{"--norc", "--noprofile", "-c", script, "bash", root, "dtlto"}, strings.Fields(words)...)
		out := run(t, []string{"PATH=" + filepath.Join(root, "usr/bin") + ":" + os.Getenv("PATH")}, "bash", args...)
		if got := strings.TrimSpace(out); got != want {
			t.Errorf("dtlto %s: %q, want %q", words, got, want)
		}
	}
}

// run runs a program with more variables and returns what it printed.
func run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

func need(t *testing.T, program string) {
	if _, err := exec.LookPath(program); err != nil {
		missing(t, program)
	}
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("DTLTO_TEST_ALLOW_SKIP") != "" {
		t.Skipf("%s: is not installed", what)
	}
	t.Fatalf("%s: is not installed: scripts/install-toolchain.sh installs what tests need", what)
}
