// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package settings

import "strings"

const hidden = "(hidden)"

// shown is a value of the setting as it may be seen.
func (setting *Setting) shown(value string) string {
	if setting.hide == nil || value == "" {
		return value
	}
	return setting.hide(value)
}

// Shown is the last value of a setting as anybody may see it; empty if it has none.
func (s *Settings) Shown(name string) string {
	values := s.values[name]
	if len(values) == 0 {
		return ""
	}
	return find(name).shown(values[len(values)-1].text)
}

// secret says whether there is something in the value that must not be seen.
func (setting *Setting) secret(value string) bool { return setting.shown(value) != value }

// Secret says whether values of the setting may have something in them that must not
// be seen: no message should quote them.
func (setting *Setting) Secret() bool { return setting.hide != nil }

// hideValue leaves the name of NAME=VALUE.
func hideValue(v string) string {
	name, _, ok := strings.Cut(v, "=")
	if !ok {
		return hidden
	}
	return name + "=" + hidden
}

// hidePassword leaves properties but those that some servers take passwords in, such as
// BuildBuddy's container-registry-password.
func hidePassword(v string) string {
	for _, word := range []string{"password", "secret", "token", "credential"} {
		if strings.Contains(strings.ToLower(beforeEquals(v)), word) {
			return hideValue(v)
		}
	}
	return v
}

// hideUser hides what is before the host of an address.
func hideUser(v string) string {
	scheme := 0
	if i := strings.Index(v, "://"); i >= 0 {
		scheme = i + len("://")
	}
	if at := strings.LastIndex(v, "@"); at >= scheme {
		return v[:scheme] + hidden + v[at:]
	}
	return v
}
