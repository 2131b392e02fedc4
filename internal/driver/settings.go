// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"

	"github.com/dtlto/dtlto/internal/cas"
	"github.com/dtlto/dtlto/internal/lld"
)

// Settings are what a user can choose. Each is a flag of the distributor
// (--NAME), an option of the linker (--dtlto-NAME) and an environment variable
// (DTLTO_NAME); the command line wins over the environment.
type Settings struct {
	// Jobs is how many compiles run at once.
	Jobs int
	// KeepGoing compiles the other modules when one fails.
	KeepGoing bool
	// Summary prints one line at the end.
	Summary bool
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
}

// A Mode is who distributes a link: LLD itself, dtlto in steps, or (auto, the zero
// value) LLD if it can.
type Mode string

// The modes but auto.
const (
	ModeNative Mode = "native"
	ModeStaged Mode = "staged"
)

// Setting describes one setting.
type Setting struct {
	Name     string // of the flag
	Argument string // what its value is, empty for a switch
	Help     string
	LinkOnly bool // has no meaning for the distributor
	set      func(s *Settings, value string) error
}

// AllSettings are the settings in the order in which help shows them.
var AllSettings = []Setting{
	{Name: "jobs", Argument: "N", Help: "compiles to run at once (default: the processors that may be used)",
		set: setter(parseJobs, func(s *Settings) *int { return &s.Jobs })},
	{Name: "keep-going", Help: "compile the other modules when one fails",
		set: setter(parseSwitch, func(s *Settings) *bool { return &s.KeepGoing })},
	{Name: "min-free-memory", Argument: "SIZE",
		Help: "start no compile beside others while less memory is free, as in 512M or 2G; 0 for no such limit (default 512M)",
		set:  setter(parseSize, func(s *Settings) *uint64 { return &s.MinFreeMemory })},
	{Name: "summary", Help: "print a line about the link's compiles at the end",
		set: setter(parseSwitch, func(s *Settings) *bool { return &s.Summary })},
	{Name: "no-cache", Help: "compile everything, and keep nothing",
		set: setter(parseSwitch, func(s *Settings) *bool { return &s.NoCache })},
	{Name: "cache-dir", Argument: "DIR", Help: "where results are kept (default: dtlto in the user's cache folder)",
		set: func(s *Settings, v string) error { s.CacheDir = v; return nil }},
	{Name: "cache-size", Argument: "SIZE", Help: "how large the cache may become; 0 for no bound (default 10G)",
		set: setter(parseSize, func(s *Settings) *uint64 { return &s.CacheSize })},
	{Name: "copy", Help: "hand out copies of cached objects, not hard links: for whoever keeps them and may change them",
		set: setter(parseSwitch, func(s *Settings) *bool { return &s.Copy })},
	{Name: "print-action", Help: "print all that goes into the digest of each compile",
		set: setter(parseSwitch, func(s *Settings) *bool { return &s.PrintAction })},
	{Name: "module-pic", Help: "compile each module with its own relocation model, as -r links need it",
		set: setter(parseSwitch, func(s *Settings) *bool { return &s.ModulePIC })},
	{Name: "input", Argument: "FILE", Help: "a file that every compile reads, such as a profile; can be given again",
		set: func(s *Settings, v string) error { s.Inputs = append(s.Inputs, v); return nil }},
	{Name: "lld", Argument: "PATH", Help: "the ld.lld to link with", LinkOnly: true,
		set: func(s *Settings, v string) error { s.LLD = v; return nil }},
	{Name: "mode", Argument: "MODE", Help: "who distributes the link: native (LLD 22 and newer), staged (dtlto, in steps) or auto", LinkOnly: true,
		set: setter(parseMode, func(s *Settings) *Mode { return &s.Mode })},
}

// setter sets a field to what parse makes of a value, or leaves it as it is.
func setter[T any](parse func(string) (T, error), field func(*Settings) *T) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		v, err := parse(value)
		if err == nil {
			*field(s) = v
		}
		return err
	}
}

// DefaultSettings are the settings when nothing is chosen. The number of jobs
// respects the process's processor affinity and its control group's limit: Go's
// runtime reads both.
func DefaultSettings() *Settings {
	return &Settings{Jobs: runtime.GOMAXPROCS(0), MinFreeMemory: 512 << 20, CacheSize: cas.DefaultMaxBytes}
}

// Set sets a setting by name. The error names neither the flag nor the value.
func (s *Settings) Set(name, value string) error {
	for _, setting := range AllSettings {
		if setting.Name == name {
			return setting.set(s, value)
		}
	}
	return fmt.Errorf("there is no such setting")
}

// FromEnvironment sets what DTLTO_ variables say. Empty ones say nothing, and a
// wrong one, the first of which is the error, leaves its setting as it was.
func (s *Settings) FromEnvironment(getenv func(string) string) (first error) {
	for _, setting := range AllSettings {
		name := "DTLTO_" + strings.ToUpper(strings.ReplaceAll(setting.Name, "-", "_"))
		value := getenv(name)
		if value == "" {
			continue
		}
		if err := setting.set(s, value); err != nil && first == nil {
			first = &UsageError{fmt.Errorf("%s=%s: %w", name, value, err)}
		}
	}
	return first
}

// fromCommand sets what the linker's --dtlto- options say, and returns them as
// arguments for the distributor.
func (s *Settings) fromCommand(c *lld.Command) (distributor []string, err error) {
	for _, arg := range c.Args {
		name, value, ok := lld.OwnOption(arg)
		if !ok {
			continue
		}
		option := "--" + arg.Name
		setting := findSetting(name)
		if setting == nil {
			return nil, &UsageError{fmt.Errorf("%s: unknown option; see dtlto --help for the settings", option)}
		}
		if setting.Argument != "" && !strings.Contains(arg.Name, "=") {
			return nil, &UsageError{fmt.Errorf("%s: needs a value, as in --dtlto-%s=%s", option, name, setting.Argument)}
		}
		if err := setting.set(s, value); err != nil {
			return nil, &UsageError{fmt.Errorf("%s: %w", option, err)}
		}
		if !setting.LinkOnly {
			distributor = append(distributor, "--"+strings.TrimPrefix(arg.Name, "dtlto-"))
		}
	}
	return distributor, nil
}

func findSetting(name string) *Setting {
	for i := range AllSettings {
		if AllSettings[i].Name == name {
			return &AllSettings[i]
		}
	}
	return nil
}

func parseJobs(v string) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > math.MaxInt16 {
		return 0, fmt.Errorf("must be a number from 1 to %d", math.MaxInt16)
	}
	return n, nil
}

func parseMode(v string) (Mode, error) {
	switch mode := Mode(v); mode {
	case ModeNative, ModeStaged:
		return mode, nil
	case "auto":
		return "", nil
	}
	return "", fmt.Errorf("must be native, staged or auto")
}

func parseSwitch(v string) (bool, error) {
	switch v {
	case "", "1", "true", "yes", "on":
		return true, nil
	case "0", "false", "no", "off":
		return false, nil
	}
	return false, fmt.Errorf("must be true or false")
}

// parseSize reads a number of bytes, with K, M, G or T for powers of 1024.
func parseSize(v string) (uint64, error) {
	digits, shift := v, 0
	for i, unit := range []string{"K", "M", "G", "T"} {
		if number, ok := strings.CutSuffix(strings.ToUpper(v), unit); ok {
			digits, shift = number, 10*(i+1)
		}
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("must be a size, as in 512M or 2G")
	}
	return n << shift, nil
}
