// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/remote"
)

// environ is an environment of these variables.
func environ(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for i := range All {
		setting := &All[i]
		if seen[setting.Name] || seen[setting.Negation()] {
			t.Errorf("%s: twice there", setting.Name)
		}
		seen[setting.Name] = true
		if setting.Default != "" && setting.check(setting.Default) != nil {
			t.Errorf("%s: the default is none of its values", setting.Name)
		}
		if setting.Repeat && setting.Default != "" || setting.Help == "" {
			t.Errorf("%s: unusable", setting.Name)
		}
	}
}

func TestDefault(t *testing.T) {
	s := Default()
	if s.Jobs != runtime.GOMAXPROCS(0) || s.LauncherJobs != 0 || s.MinFreeMemory != 512<<20 || s.CacheSize != 10<<30 ||
		s.RemoteLocalDelay != 10*time.Second || !s.RemoteUploadLocalResults || !s.RemoteAcceptCached || !s.RemoteLocalFallback || s.Mode != "" {
		t.Errorf("defaults: %+v", s)
	}
	want := remote.Options{Timeout: time.Minute, ConnectTimeout: 5 * time.Second, Retries: 5, Connections: 4, Jobs: 200,
		Compression: true, CredentialHelperTimeout: 10 * time.Second}
	if diff := cmp.Diff(want, s.Remote()); diff != "" {
		t.Error(diff)
	}
}

func TestRemote(t *testing.T) {
	s := Default()
	err := s.Load([]Given{
		{"", "remote-executor", "grpc://h:1"}, {"", "remote-cache", "unix:/s"}, {"", "remote-instance-name", "main"},
		{"", "remote-header", "a=b=c"}, {"", "remote-exec-header", "A="}, {"", "remote-cache-header", "x-y=z"},
		{"", "remote-timeout", "2.5"}, {"", "remote-retries", "0"}, {"", "remote-max-connections", "2"}, {"", "remote-jobs", "9"},
		{"", "no-remote-cache-compression", ""}, {"", "tls-certificate", "ca"}, {"", "tls-client-certificate", "c"}, {"", "tls-client-key", "k"},
		{"", "credential-helper", "/all"}, {"", "credential-helper", "*.b.example=wide"}, {"", "credential-helper", "*.a.b.example=/narrow"},
		{"", "credential-helper", "H.example=/a=b"}, {"", "credential-helper-timeout", "1m"},
		{"", "remote-default-exec-properties", "container=docker://x=y"}, {"", "remote-compiler", "/usr/bin/clang"},
		{"", "launcher", "srun -n1"}, {"", "launcher-jobs", "64"}, {"", "remote-local-delay", "0"},
	}, environ(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := remote.Options{
		Executor: "grpc://h:1", Cache: "unix:/s", Instance: "main",
		Headers: []remote.Header{{Name: "a", Value: "b=c"}}, ExecHeaders: []remote.Header{{Name: "A"}}, CacheHeaders: []remote.Header{{Name: "x-y", Value: "z"}},
		TLS: remote.TLS{Certificate: "ca", ClientCertificate: "c", ClientKey: "k"},
		CredentialHelpers: []remote.CredentialHelper{
			{Scope: "h.example", Path: "/a=b"}, {Scope: "*.a.b.example", Path: "/narrow"}, {Scope: "*.b.example", Path: "wide"}, {Path: "/all"},
		},
		CredentialHelperTimeout: time.Minute, Timeout: 2500 * time.Millisecond, ConnectTimeout: 2500 * time.Millisecond,
		Connections: 2, Jobs: 9,
	}
	if diff := cmp.Diff(want, s.Remote()); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(s.Launcher, []string{"srun", "-n1"}) || s.LauncherJobs != 64 || s.RemoteLocalDelay != 0 || s.RemoteCompiler != "/usr/bin/clang" ||
		!slices.Equal(s.RemoteExecProperties, []string{"container=docker://x=y"}) {
		t.Errorf("%+v", s)
	}
}

func TestCacheFolder(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", home)
	if folder, err := new(Settings).CacheFolder(); err != nil || folder != filepath.Join(home, "dtlto") {
		t.Errorf("%s, %v", folder, err)
	}
	if folder, err := (&Settings{CacheDir: "x"}).CacheFolder(); err != nil || !filepath.IsAbs(folder) {
		t.Errorf("%s, %v", folder, err)
	}
}
