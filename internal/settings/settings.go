// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/remote"
)

// Settings are what a user can choose.
type Settings struct {
	// Jobs is how many compiles run at once.
	Jobs int
	// KeepGoing compiles the other modules when one fails.
	KeepGoing bool
	// Summary prints one line at the end.
	Summary bool
	// Statistics prints a table at the end, and JSON makes JSON of either.
	Statistics, JSON bool
	// Progress says when a status line is shown.
	Progress When
	// Events is a file to which events are added, Trace a file or folder for a Chrome
	// trace; empty for none.
	Events, Trace string
	// Jobserver limits local compiles to what make's jobserver allows and, where there is
	// none, shares the processors with the user's other links.
	Jobserver bool
	// MinFreeMemory is how many bytes must be free for another compile to start.
	MinFreeMemory uint64
	// NoCache compiles everything and keeps nothing.
	NoCache bool
	// CacheDir is where results and link records are kept; empty for dtlto in the
	// user's cache folder.
	CacheDir string
	// CacheSize is how many bytes the results may take on disk.
	CacheSize uint64
	// Copy hands out copies of what is in the cache, never hard links.
	Copy bool
	// PrintAction prints all that goes into each action's digest.
	PrintAction bool
	// ModulePIC takes the relocation model from each module.
	ModulePIC bool
	// Inputs are files that every compile reads besides those in the job file.
	Inputs []string
	// LLD is the ld.lld to use.
	LLD string
	// Mode is who distributes a link.
	Mode Mode

	// RemoteCompiler is the path of a clang that workers have; empty if it is sent.
	RemoteCompiler string
	// RemoteExecProperties are what a worker must have, or be, as KEY=VALUE.
	RemoteExecProperties []string
	// RemoteLocalDelay is after how long a compile that is away starts here too, if a slot is
	// idle; 0 for at once.
	RemoteLocalDelay time.Duration
	// RemoteUploadLocalResults shares what was compiled here.
	RemoteUploadLocalResults bool
	// RemoteAcceptCached takes results that others shared.
	RemoteAcceptCached bool
	// RemoteLocalFallback compiles here what the cluster could not.
	RemoteLocalFallback bool

	// Launcher are the words before the command of each local compile.
	Launcher []string
	// LauncherJobs is how many compiles run at once behind it; 0 for Jobs.
	LauncherJobs int
	// Config is a file of settings besides the user's.
	Config string

	cluster remote.Options
	values  map[string][]value // of what is not as by default
	files   []string           // of settings, as they were found
}

// A Mode is who distributes a link: LLD itself, dtlto in steps, or (auto, the zero
// value) LLD if it can.
type Mode string

// The modes but auto.
const (
	ModeNative Mode = "native"
	ModeStaged Mode = "staged"
)

// When says when something is to be done that a person may want to see: "always", "never"
// or (auto, the zero value) when there is a person.
type When string

// When, but for auto.
const (
	Always When = "always"
	Never  When = "never"
)

// Error is a command line, a variable or a file of settings that cannot be followed.
type Error struct{ Err error }

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Default are the settings when nothing is chosen. The number of jobs respects the
// process's processor affinity and its control group's limit: Go's runtime reads both.
func Default() *Settings {
	s := new(Settings)
	for i := range All {
		if setting := &All[i]; setting.Default != "" {
			setting.fill(s, []string{setting.Default})
		}
	}
	s.Jobs = runtime.GOMAXPROCS(0)
	return s
}

// maxConnect is how long a cluster may take to be reached at all: less than what
// makes people believe that the link hangs.
const maxConnect = 5 * time.Second

// Remote are the options for talking to a cluster, but for who we are.
func (s *Settings) Remote() remote.Options {
	o := s.cluster
	o.ConnectTimeout = min(o.Timeout, maxConnect)
	o.CredentialHelpers = slices.Clone(o.CredentialHelpers)
	slices.SortStableFunc(o.CredentialHelpers, moreSpecific)
	return o
}

// moreSpecific puts hosts before domains, and long names before short ones, and last
// what is for all.
func moreSpecific(a, b remote.CredentialHelper) int {
	wide := func(h remote.CredentialHelper) int {
		if h.Scope == "" || strings.HasPrefix(h.Scope, "*.") {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(wide(a), wide(b)), cmp.Compare(len(b.Scope), len(a.Scope)))
}

// CacheFolder is where results and link records are kept.
func (s *Settings) CacheFolder() (string, error) {
	if s.CacheDir != "" {
		return filepath.Abs(s.CacheDir)
	}
	folder, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no cache folder: %w", err)
	}
	return filepath.Join(folder, "dtlto"), nil
}

// computed is the default of settings whose default the table does not have.
func (s *Settings) computed(name string) string {
	switch name {
	case "jobs":
		return strconv.Itoa(s.Jobs)
	case "launcher-jobs":
		return strconv.Itoa(cmp.Or(s.LauncherJobs, s.Jobs))
	case "cache-dir":
		folder, _ := s.CacheFolder()
		return folder
	}
	return ""
}
