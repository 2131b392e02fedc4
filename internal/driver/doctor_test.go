// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/dtlto/dtlto/internal/llvmtest"
	"github.com/dtlto/dtlto/internal/settings"
	"github.com/dtlto/dtlto/internal/toolchain"
)

// diagnosed is what doctor says, to people and as JSON.
func diagnosed(t *testing.T, s *settings.Settings) (diagnosis, string, error) {
	t.Helper()
	var text, people bytes.Buffer
	err := Doctor(context.Background(), s, nil, "", false, &people)
	if again := Doctor(context.Background(), s, nil, "", true, &text); (again == nil) != (err == nil) {
		t.Errorf("%v, and then %v", err, again)
	}
	var says diagnosis
	if err := json.Unmarshal(text.Bytes(), &says, json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("%v\n%s", err, &text)
	}
	if lines := strings.Count(people.String(), "\n"); lines != len(says.Checks) {
		t.Errorf("%d lines for %d checks\n%s", lines, len(says.Checks), &people)
	}
	return says, people.String(), err
}

// onlyPath has programs found in a folder and nowhere else.
func onlyPath(t *testing.T, folder string) {
	t.Helper()
	usual := usualFolders
	usualFolders = nil
	t.Cleanup(func() { usualFolders = usual })
	t.Setenv("PATH", folder)
}

func doctorSettings(t *testing.T) *settings.Settings {
	t.Setenv("MAKEFLAGS", "")
	t.Chdir(t.TempDir())
	s := settings.Default()
	s.CacheDir = t.TempDir()
	return s
}

func status(says diagnosis, check string) string {
	at := slices.IndexFunc(says.Checks, func(f finding) bool { return f.Check == check })
	if at < 0 {
		return ""
	}
	return says.Checks[at].Status
}

func TestDoctor(t *testing.T) {
	for _, version := range inspectVersions {
		llvmtest.Tool(t, "clang-"+version)
		llvmtest.Tool(t, "ld.lld-"+version)
	}
	s := doctorSettings(t)
	says, text, err := diagnosed(t, s)
	if err != nil || says.Failed != 0 {
		t.Fatalf("%v\n%s", err, text)
	}
	ways := map[string]string{}
	defaults := 0
	for _, f := range says.Toolchains {
		major, _, _ := strings.Cut(f.Version, ".")
		ways[major] = f.Way
		if f.Default {
			defaults++
		}
	}
	if ways["13"] != "staged" || ways["14"] != "staged" || ways["19"] != "staged" || ways["22"] != "native" || defaults != 1 {
		t.Errorf("%v, %d defaults", ways, defaults)
	}
	if c := says.Cache; !c.Writable || !c.HardLinks || c.Folder != s.CacheDir || c.MaxBytes != int64(s.CacheSize) || runtime.GOOS == "linux" && c.Free == 0 {
		t.Errorf("%+v", c)
	}
	wants(t, text, "ok    compiler: ", "ok    cache: ", "ok    hard links: ", "      no jobserver", "      no cluster is chosen")
	if left, _ := os.ReadDir("."); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// Programs that do not fit each other.
func TestDoctorToolchains(t *testing.T) {
	s := doctorSettings(t)
	folder := t.TempDir()
	for name, target := range map[string]string{"ld.lld-19": "ld.lld-19", "clang-16": "clang-16", "ld.lld": "clang-14"} {
		if err := os.Symlink(llvmtest.Tool(t, target), filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	scripts(t, folder, "clang-tidy", "exit 1", "clang-cl-19", "exit 1", "ld.lld-12", "echo LLD 12.0.1", "clang-11", "echo clang version 11.0.0")
	onlyPath(t, folder)
	s.LLD = filepath.Join(folder, "ld.lld-19")
	says, text, err := diagnosed(t, s)
	if err != nil || len(says.Toolchains) != 5 {
		t.Errorf("%v\n%s", err, text)
	}
	wants(t, text, "ok    LLVM 19.", "in steps (staged); the default\n",
		"note  LLVM 16.", "install lld-16", "note  LLVM 12.0.1", "links are distributed from LLVM 13 on",
		"note  LLVM 11.0.0", "install lld-11", "note  LLVM unknown", "does not say its version as LLVM's tools do")
	if strings.Contains(text, "tidy") || strings.Contains(text, "clang-cl") {
		t.Errorf("asked other programs\n%s", text)
	}
	wants(t, text, "note  -fuse-ld=dtlto: ", "finds no ld.dtlto: make one, 'ln -s ")
}

// Without LLVM, doctor says what is missing, and looks at the rest.
func TestDoctorNothing(t *testing.T) {
	s := doctorSettings(t)
	onlyPath(t, t.TempDir())
	says, text, err := diagnosed(t, s)
	if err == nil || ExitCode(err) != ExitInfrastructure || says.Failed != 1 || status(says, "cache") != "ok" {
		t.Errorf("%v\n%s", err, text)
	}
	wants(t, text, "FAIL  compiler: no ld.lld found: install LLVM's lld")
}

// A clang that only calls another one, and this program under another's name.
func TestDoctorWrapper(t *testing.T) {
	s := doctorSettings(t)
	folder := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(folder, "ld.lld-99")); err != nil {
		t.Fatal(err)
	}
	scripts(t, folder, "ld.lld", "echo LLD 19.1.7", "clang", "echo clang version 19.1.7")
	onlyPath(t, folder)
	says, text, _ := diagnosed(t, s)
	if len(says.Toolchains) != 1 || says.Toolchains[0].Way != "staged" {
		t.Errorf("%+v", says.Toolchains)
	}
	wants(t, text, "note  LLVM 19.1.7: ", "what it compiles is neither kept nor done elsewhere")
}

// A program called ld.dtlto that is not this one.
func TestDoctorOtherLinker(t *testing.T) {
	s := doctorSettings(t)
	folder := t.TempDir()
	scripts(t, folder, "ld.dtlto", "exit 1")
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	d := &doctor{ctx: context.Background(), settings: s, w: new(bytes.Buffer), compiler: llvmtest.Tool(t, "clang-22")}
	d.linkerName()
	if status(d.says, "-fuse-ld=dtlto") != "note" {
		t.Errorf("%+v", d.says)
	}
	wants(t, d.says.Checks[0].Text, "/ld.dtlto, which is another program than this one")
}

// scripts writes programs into a folder.
func scripts(t *testing.T, folder string, lines ...string) {
	t.Helper()
	for i := 0; i < len(lines); i += 2 {
		llvmtest.Write(t, folder, lines[i], "#!/bin/sh\n"+lines[i+1]+"\n")
		if err := os.Chmod(filepath.Join(folder, lines[i]), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// What is said of the cache needs no LLVM.
func TestDoctorCache(t *testing.T) {
	s := doctorSettings(t)
	onlyPath(t, t.TempDir())
	file := filepath.Join(t.TempDir(), "file")
	llvmtest.Write(t, filepath.Dir(file), "file", "")
	s.CacheDir = filepath.Join(file, "cache")
	says, text, _ := diagnosed(t, s)
	if status(says, "cache") != "fail" || says.Cache.Writable || says.Failed != 2 {
		t.Errorf("%+v", says)
	}
	wants(t, text, "FAIL  cache: "+s.CacheDir+" cannot be written (not a directory)", "--cache-dir=DIR")
	s.NoCache = true
	says, text, _ = diagnosed(t, s)
	if !says.Cache.Off || status(says, "cache") != "note" {
		t.Errorf("%+v", says)
	}
	wants(t, text, "note  cache: it is off (--no-cache)")
	s.NoCache, s.Copy, s.CacheDir = false, true, t.TempDir()
	_, text, _ = diagnosed(t, s)
	wants(t, text, "      cached objects are copied, not hard-linked (--copy)")
	if _, err := os.Stat("/dev/shm"); err == nil {
		s.Copy, s.CacheDir = false, filepath.Join("/dev/shm", "dtlto-doctor-test-"+filepath.Base(t.TempDir()))
		t.Cleanup(func() { _ = os.RemoveAll(s.CacheDir) })
		_, text, _ = diagnosed(t, s)
		wants(t, text, "note  hard links: objects are copied from the cache to links in ", "(invalid cross-device link)")
	}
}

func TestDoctorJobserver(t *testing.T) {
	s := doctorSettings(t)
	fifo := filepath.Join(t.TempDir(), "fifo")
	llvmtest.Run(t, ".", "mkfifo", fifo)
	onlyPath(t, t.TempDir())
	for flags, want := range map[string][2]string{
		"":                                   {"none", "      no jobserver"},
		" -j4 --jobserver-auth=-2,-2":        {"none", "note  jobserver: make keeps its jobserver from this command"},
		" -j4 --jobserver-auth=fifo:/n":      {"none", "note  jobserver: /n: "},
		" -j4 --jobserver-auth=fifo:" + fifo: {"fifo", "ok    jobserver: make's, a fifo: compiles take its tokens"},
	} {
		t.Setenv("MAKEFLAGS", flags)
		says, text, _ := diagnosed(t, s)
		if says.Jobserver != want[0] {
			t.Errorf("%s: %+v", flags, says)
		}
		wants(t, text, want[1])
	}
	s.Jobserver = false
	_, text, _ := diagnosed(t, s)
	wants(t, text, "      links share the processors with nobody (--no-jobserver)")
}

// A named clang must have an ld.lld of its version.
func TestDoctorNamedClang(t *testing.T) {
	s := doctorSettings(t)
	folder := t.TempDir()
	scripts(t, folder, "ld.lld", "echo LLD 14.0.6")
	real := llvmtest.Tool(t, "clang-22")
	s.LLD = llvmtest.Tool(t, "ld.lld-22")
	check := func(compiler string) (string, error) {
		var text bytes.Buffer
		err := Doctor(context.Background(), s, nil, compiler, false, &text)
		return text.String(), err
	}
	text, err := check(real)
	if err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	wants(t, text, "ok    ld.lld: "+s.LLD+" is of the same version, 22.")
	s.LLD = filepath.Join(folder, "ld.lld")
	text, err = check(real)
	if ExitCode(err) != ExitInfrastructure {
		t.Errorf("%v\n%s", err, text)
	}
	wants(t, text, "FAIL  ld.lld: the chosen ld.lld is not of its version: links by this clang will not work (they take "+s.LLD+", LLD 14.0.6", ": install lld-22 and choose that, or none (")
	shown := strings.Count(text, "ok    ") + strings.Count(text, "FAIL  ")
	if want := fmt.Sprintf("1 of %d checks failed", shown); err.Error() != want {
		t.Errorf("%v, not %s\n%s", err, want, text)
	}
}

// Which ld.lld links by a clang take, and what comes of it.
func TestLinkerOf(t *testing.T) {
	folder := t.TempDir()
	onlyPath(t, folder)
	clang := toolchain.Version{Major: 97, Minor: 1, Patch: 2} // none is installed
	check := func(explicit, want string) {
		t.Helper()
		path, err := linkerOf(filepath.Join(folder, "clang-97"), clang, explicit)
		if err == nil {
			err = errors.New(path)
		}
		wants(t, err.Error(), want)
	}
	check("", "links by this clang will not work: install lld-97")
	check("nothing", "links by this clang will not work (nothing: chosen as ld.lld")
	scripts(t, folder, "ld.lld", "echo LLD 14.0.6", "ld.lld-98", "echo LLD 98.0.0", "strange", "echo strange")
	check("", "will not work (they take "+folder+"/ld.lld, LLD 14.0.6, which is too old")
	check("strange", "links by this clang will not work (")
	check("ld.lld-98", "links by this clang take "+folder+"/ld.lld-98, LLD 98.0.0, and the clang of that: install lld-97")
	scripts(t, folder, "ld.lld-97", "echo LLD 97.1.2")
	check("", folder+"/ld.lld-97")
}

func TestRemedy(t *testing.T) {
	for reason, want := range map[error]string{
		syscall.ENOSPC: "make room in its file system, or choose", syscall.EDQUOT: "remove files of yours in its file system, or choose",
		syscall.EROFS: "choose", syscall.EACCES: "make it yours, or choose", syscall.EPERM: "make it yours, or choose", syscall.ENOTDIR: "choose",
	} {
		if found := remedy(errors.Join(&os.PathError{Op: "write", Path: "/x", Err: reason}, nil)); found != want {
			t.Errorf("%v: %s, not %s", reason, found, want)
		}
	}
}
