// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"time"

	"github.com/dtlto/dtlto/internal/remote"
)

// Setting describes one setting.
type Setting struct {
	Name     string // of the flag
	Argument string // what its value is, empty for a switch
	Help     string
	Default  string // its value when nothing is chosen; empty also for what is computed
	LinkOnly bool   // has no meaning for the distributor
	Repeat   bool   // can be given again
	Group    string // heading in help; empty for that of the setting before
	Often    bool   // short help has it

	rule
	file bool                // a relative name, in a file of settings, is relative to that file
	key  func(string) string // what of a value must be equal for a stronger one to replace it
	hide func(string) string // the value without what must not be seen
}

// rule is how the values of a setting are read.
type rule struct {
	check func(value string) error
	fill  func(s *Settings, values []string) // only with what was checked
}

// All are the settings in the order in which help shows them. Those of a cluster have
// Bazel's names.
var All = []Setting{
	{Name: "jobs", Group: "Compiles", Often: true, Argument: "N", Help: "compiles to run at once (default: the processors that may be used)",
		rule: one(number(1, maxJobs), func(s *Settings) *int { return &s.Jobs })},
	{Name: "jobserver", Default: "true",
		Help: "share the processors: take make's jobserver's tokens for local compiles and, where there is none, turns with other links (default true)",
		rule: one(parseSwitch, func(s *Settings) *bool { return &s.Jobserver })},
	{Name: "keep-going", Often: true, Help: "compile the other modules when one fails",
		rule: one(parseSwitch, func(s *Settings) *bool { return &s.KeepGoing })},
	{Name: "min-free-memory", Argument: "SIZE", Default: "512M",
		Help: "start no compile beside others while less memory is free, as in 512M or 2G; 0 for no such limit (default 512M)",
		rule: one(parseSize, func(s *Settings) *uint64 { return &s.MinFreeMemory })},
	{Name: "input", Argument: "FILE", Repeat: true, Help: "a file that every compile reads, such as a profile; can be given again", file: true,
		rule: many(anything, func(s *Settings) *[]string { return &s.Inputs })},
	{Name: "module-pic", Help: "compile each module with its own relocation model, as -r links need it",
		rule: one(parseSwitch, func(s *Settings) *bool { return &s.ModulePIC })},
	{Name: "launcher", Argument: "COMMAND", Help: "words before the command of each local compile, as in 'srun -n1'",
		rule: one(splitWords, func(s *Settings) *[]string { return &s.Launcher })},
	{Name: "launcher-jobs", Argument: "N", Help: "compiles to run at once behind --launcher (default: --jobs)",
		rule: one(number(1, maxJobs), func(s *Settings) *int { return &s.LauncherJobs })},

	{Name: "progress", Group: "What is shown", Often: true, Argument: "WHEN", Default: "auto",
		Help: "show how far the link is on a status line: always, never or auto, which is at a terminal (default auto)",
		rule: one(parseWhen, func(s *Settings) *When { return &s.Progress })},
	{Name: "summary", Often: true, Help: "print a line about the link's compiles at the end",
		rule: one(parseSwitch, func(s *Settings) *bool { return &s.Summary })},
	{Name: "stats", Often: true, Help: "print a table about the link at the end: times, cache, compiles, what was moved",
		rule: one(parseSwitch, func(s *Settings) *bool { return &s.Statistics })},
	{Name: "json", Help: "print --summary or --stats as one line of JSON",
		rule: one(parseSwitch, func(s *Settings) *bool { return &s.JSON })},
	{Name: "events", Often: true, Argument: "FILE", Help: "add what happens in the link to FILE, as lines of JSON", file: true,
		rule: one(anything, func(s *Settings) *string { return &s.Events })},
	{Name: "trace", Often: true, Argument: "FILE", Help: "write a Chrome trace of the link to FILE, for ui.perfetto.dev; in a folder, to one named by the output", file: true,
		rule: one(anything, func(s *Settings) *string { return &s.Trace })},
	{Name: "print-action", Help: "print all that goes into the digest of each compile",
		rule: one(parseSwitch, func(s *Settings) *bool { return &s.PrintAction })},

	{Name: "no-cache", Group: "Cache", Often: true, Help: "compile everything, and keep nothing",
		rule: one(parseSwitch, func(s *Settings) *bool { return &s.NoCache })},
	{Name: "cache-dir", Often: true, Argument: "DIR", Help: "where results are kept (default: dtlto in the user's cache folder)", file: true,
		rule: one(anything, func(s *Settings) *string { return &s.CacheDir })},
	{Name: "cache-size", Often: true, Argument: "SIZE", Default: "10G", Help: "how large the cache may become; 0 for no bound (default 10G)",
		rule: one(parseSize, func(s *Settings) *uint64 { return &s.CacheSize })},
	{Name: "copy", Help: "hand out copies of cached objects, not hard links: for whoever keeps them and may change them",
		rule: one(parseSwitch, func(s *Settings) *bool { return &s.Copy })},

	{Name: "lld", Group: "Linker only", Often: true, Argument: "PATH", Help: "the ld.lld to link with", LinkOnly: true, file: true,
		rule: one(anything, func(s *Settings) *string { return &s.LLD })},
	{Name: "mode", Often: true, Argument: "MODE", Default: "auto", LinkOnly: true,
		Help: "who distributes the link: native (LLD 22 and newer), staged (dtlto, in steps) or auto",
		rule: one(parseMode, func(s *Settings) *Mode { return &s.Mode })},

	{Name: "remote-executor", Group: "Cluster", Often: true, Argument: "ADDRESS", hide: hideUser,
		Help: "the cluster to compile on: grpcs://HOST:PORT, grpc://HOST:PORT (not encrypted) or unix:PATH",
		rule: one(parseAddress, func(s *Settings) *string { return &s.cluster.Executor })},
	{Name: "remote-cache", Often: true, Argument: "ADDRESS", hide: hideUser,
		Help: "where results are shared (default: --remote-executor)",
		rule: one(parseAddress, func(s *Settings) *string { return &s.cluster.Cache })},
	{Name: "remote-instance-name", Argument: "NAME", Help: "the instance, on a server with several",
		rule: one(plain, func(s *Settings) *string { return &s.cluster.Instance })},
	{Name: "remote-default-exec-properties", Argument: "KEY=VALUE", Repeat: true, key: beforeEquals, hide: hidePassword,
		Help: "a property of the workers to compile on; can be given again",
		rule: many(parseProperty, func(s *Settings) *[]string { return &s.RemoteExecProperties })},
	{Name: "remote-compiler", Argument: "PATH", Help: "the clang that workers have (default: it is sent)",
		rule: one(parseWorkerPath, func(s *Settings) *string { return &s.RemoteCompiler })},
	{Name: "remote-jobs", Argument: "N", Default: "200", Help: "compiles to run at once on the cluster (default 200)",
		rule: one(number(1, maxJobs), func(s *Settings) *int { return &s.cluster.Jobs })},
	{Name: "remote-local-delay", Argument: "SECONDS", Default: "10",
		Help: "start a compile here too when it is not back after this long and a slot is idle; 0 for at once (default 10)",
		rule: one(duration(0), func(s *Settings) *time.Duration { return &s.RemoteLocalDelay })},
	{Name: "remote-local-fallback", Default: "true", Help: "compile here what the cluster could not (default true)",
		rule: one(parseSwitch, func(s *Settings) *bool { return &s.RemoteLocalFallback })},
	{Name: "remote-accept-cached", Default: "true", Help: "take results that were shared (default true)",
		rule: one(parseSwitch, func(s *Settings) *bool { return &s.RemoteAcceptCached })},
	{Name: "remote-upload-local-results", Default: "true", Help: "share what was compiled here (default true)",
		rule: one(parseSwitch, func(s *Settings) *bool { return &s.RemoteUploadLocalResults })},
	{Name: "remote-cache-compression", Default: "true", Help: "compress what is sent with zstd where the server can (default true)",
		rule: one(parseSwitch, func(s *Settings) *bool { return &s.cluster.Compression })},
	{Name: "remote-timeout", Argument: "SECONDS", Default: "60", Help: "how long a call may take, as in 60, 90s or 2m (default 60)",
		rule: one(duration(time.Millisecond), func(s *Settings) *time.Duration { return &s.cluster.Timeout })},
	{Name: "remote-retries", Argument: "N", Default: "5", Help: "how often a call is tried again after a failure that may pass (default 5)",
		rule: one(number(0, 100), func(s *Settings) *int { return &s.cluster.Retries })},
	// A server takes a hundred calls at once on a connection, as a rule: four have room for
	// 200 executions and as many transfers.
	{Name: "remote-max-connections", Argument: "N", Default: "4", Help: "connections to one address (default 4)",
		rule: one(number(1, 1000), func(s *Settings) *int { return &s.cluster.Connections })},
	{Name: "remote-header", Argument: "NAME=VALUE", Repeat: true, key: headerName, hide: hideValue,
		Help: "a header of every call; can be given again",
		rule: many(parseHeader, func(s *Settings) *[]remote.Header { return &s.cluster.Headers })},
	{Name: "remote-exec-header", Argument: "NAME=VALUE", Repeat: true, key: headerName, hide: hideValue,
		Help: "a header of calls to --remote-executor; can be given again",
		rule: many(parseHeader, func(s *Settings) *[]remote.Header { return &s.cluster.ExecHeaders })},
	{Name: "remote-cache-header", Argument: "NAME=VALUE", Repeat: true, key: headerName, hide: hideValue,
		Help: "a header of calls to --remote-cache; can be given again",
		rule: many(parseHeader, func(s *Settings) *[]remote.Header { return &s.cluster.CacheHeaders })},
	{Name: "tls-certificate", Argument: "FILE", Help: "certificates of whom to trust (default: the system's)", file: true,
		rule: one(anything, func(s *Settings) *string { return &s.cluster.TLS.Certificate })},
	{Name: "tls-client-certificate", Argument: "FILE", Help: "our own certificate, if the server wants one", file: true,
		rule: one(anything, func(s *Settings) *string { return &s.cluster.TLS.ClientCertificate })},
	{Name: "tls-client-key", Argument: "FILE", Help: "the key of --tls-client-certificate", file: true,
		rule: one(anything, func(s *Settings) *string { return &s.cluster.TLS.ClientKey })},
	{Name: "credential-helper", Argument: "[SCOPE=]PATH", Repeat: true, key: helperScope,
		Help: "a program that gives headers, for a host, for *.DOMAIN or for all; can be given again",
		rule: many(parseHelper, func(s *Settings) *[]remote.CredentialHelper { return &s.cluster.CredentialHelpers })},
	{Name: "credential-helper-timeout", Argument: "SECONDS", Default: "10", Help: "how long a credential helper may take (default 10)",
		rule: one(duration(time.Millisecond), func(s *Settings) *time.Duration { return &s.cluster.CredentialHelperTimeout })},

	{Name: "config", Group: "Files of settings", Often: true, Argument: "FILE", Help: "a file of settings, besides the user's own",
		rule: one(anything, func(s *Settings) *string { return &s.Config })},
}

// one is the rule of a setting whose last value counts.
func one[T any](parse func(string) (T, error), field func(*Settings) *T) rule {
	return rule{
		check: func(value string) error { _, err := parse(value); return err },
		fill:  func(s *Settings, values []string) { *field(s), _ = parse(values[len(values)-1]) },
	}
}

// many is the rule of a setting that can be given again.
func many[T any](parse func(string) (T, error), field func(*Settings) *[]T) rule {
	return rule{
		check: func(value string) error { _, err := parse(value); return err },
		fill: func(s *Settings, values []string) {
			list := make([]T, len(values))
			for i, value := range values {
				list[i], _ = parse(value)
			}
			*field(s) = list
		},
	}
}

// Negation is the name that turns off a switch that is on by default; empty for other
// settings. (--no-cache is no such name, but a setting of its own.)
func (setting *Setting) Negation() string {
	if setting.Argument == "" && setting.Default == "true" {
		return "no-" + setting.Name
	}
	return ""
}

func find(name string) *Setting {
	for i := range All {
		if All[i].Name == name {
			return &All[i]
		}
	}
	return nil
}
