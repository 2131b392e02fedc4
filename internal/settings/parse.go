// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import (
	"errors"
	"fmt"
	"math"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dtlto/dtlto/internal/remote"
)

// No error in this file has a value in it: some are secrets.

const maxJobs = math.MaxInt16

// number reads a number in a range.
func number(least, most int) func(string) (int, error) {
	return func(v string) (int, error) {
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > most {
			return 0, fmt.Errorf("must be a number from %d to %d", least, most)
		}
		return n, nil
	}
}

func parseMode(v string) (Mode, error) {
	switch mode := Mode(v); mode {
	case ModeNative, ModeStaged:
		return mode, nil
	case "auto":
		return "", nil
	}
	return "", errors.New("must be native, staged or auto")
}

func parseWhen(v string) (When, error) {
	switch when := When(v); when {
	case Always, Never:
		return when, nil
	case "auto":
		return "", nil
	}
	return "", errors.New("must be always, never or auto")
}

func parseSwitch(v string) (bool, error) {
	switch v {
	case "", "1", "true", "yes", "on":
		return true, nil
	case "0", "false", "no", "off":
		return false, nil
	}
	return false, errors.New("must be true or false")
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
		return 0, errors.New("must be a size, as in 512M or 2G")
	}
	return n << shift, nil
}

// duration reads seconds, or a number with a unit, from least to a day.
func duration(least time.Duration) func(string) (time.Duration, error) {
	return func(v string) (time.Duration, error) {
		d, err := time.ParseDuration(v)
		if err != nil {
			d, err = time.ParseDuration(v + "s")
		}
		if err != nil || d < least || d > 24*time.Hour {
			return 0, fmt.Errorf("must be seconds, or as in 90s or 2m, from %v to a day", least)
		}
		return d, nil
	}
}

func anything(v string) (string, error) { return v, nil }

// plain is text that a message or a header can have in it.
func plain(v string) (string, error) {
	if strings.ContainsFunc(v, isControl) {
		return "", errors.New("must not have control characters in it")
	}
	return v, nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// parseAddress looks only for what is surely wrong: whoever connects says the rest.
func parseAddress(v string) (string, error) {
	scheme, rest, ok := strings.Cut(v, "://")
	switch {
	case ok && (scheme == "http" || scheme == "https"):
		return "", errors.New("must be the address of the server's gRPC port, grpcs://HOST:PORT or (plain text) grpc://HOST:PORT, not " + scheme)
	case !ok && (strings.HasPrefix(v, "grpc:") || strings.HasPrefix(v, "grpcs:")),
		strings.ContainsFunc(v, func(r rune) bool { return r == ' ' || isControl(r) }),
		ok && scheme != "grpc" && scheme != "grpcs" && scheme != "unix", ok && rest == "":
		return "", errors.New("must be an address, as in grpcs://HOST:PORT, grpc://HOST:PORT or unix:PATH")
	}
	return v, nil
}

// parseHeader reads NAME=VALUE as gRPC can send it.
func parseHeader(v string) (remote.Header, error) {
	name, text, ok := strings.Cut(v, "=")
	if !ok || name == "" || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		return remote.Header{}, errors.New("must be NAME=VALUE, with letters, digits, -, _ and . in NAME")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return remote.Header{}, errors.New("must have only printable ASCII characters in its value")
	}
	return remote.Header{Name: name, Value: text}, nil
}

func parseProperty(v string) (string, error) {
	if key, _, ok := strings.Cut(v, "="); !ok || key == "" || strings.ContainsFunc(v, isControl) {
		return "", errors.New("must be KEY=VALUE, without control characters")
	}
	return v, nil
}

// parseWorkerPath reads a path on a worker, which may have another system than this
// machine.
func parseWorkerPath(v string) (string, error) {
	if _, err := plain(v); err != nil || v != "" && !path.IsAbs(v) {
		return "", errors.New("must be an absolute path on the workers, without control characters")
	}
	return v, nil
}

// parseHelper reads [SCOPE=]PATH. A path may have = in it, a scope no slash.
func parseHelper(v string) (remote.CredentialHelper, error) {
	h := remote.CredentialHelper{Scope: helperScope(v), Path: v}
	if scope, path, ok := strings.Cut(v, "="); ok && !strings.ContainsAny(scope, `/\`) {
		h.Path = path
		if strings.Trim(strings.TrimPrefix(h.Scope, "*."), "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" || scope == "" || scope == "*." {
			return h, errors.New("must have a host or *.DOMAIN before the =")
		}
	}
	if h.Path == "" || !filepath.IsAbs(h.Path) && strings.ContainsAny(h.Path, `/\`) {
		return h, errors.New("must name a program by its absolute path, or by a name that is on PATH")
	}
	return h, nil
}

// helperScope is the host or domain of [SCOPE=]PATH, as names of hosts are compared.
func helperScope(v string) string {
	if scope, _, ok := strings.Cut(v, "="); ok && !strings.ContainsAny(scope, `/\`) {
		return strings.ToLower(scope)
	}
	return ""
}

func beforeEquals(v string) string {
	key, _, _ := strings.Cut(v, "=")
	return key
}

func headerName(v string) string { return strings.ToLower(beforeEquals(v)) }
