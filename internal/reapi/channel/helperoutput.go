// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// readCredential reads a helper's answer: {"headers":{NAME:[VALUE...]},"expires":TIME},
// both optional. Its errors have nothing of the answer but names of headers.
func readCredential(output []byte, now time.Time) (*credential, error) {
	var answer struct {
		Headers map[string][]string `json:"headers"`
		Expires string              `json:"expires"`
	}
	if len(output) == 0 {
		return nil, errors.New("printed nothing")
	}
	if json.Unmarshal(output, &answer) != nil { // its error may quote a secret
		return nil, errors.New("printed something else than the JSON of the credential-helper protocol")
	}
	headers, err := helperHeaders(answer.Headers)
	if err != nil {
		return nil, err
	}
	expires := now.Add(defaultLifetime)
	if answer.Expires != "" {
		if expires, err = readTime(answer.Expires); err != nil {
			return nil, err
		}
	}
	return newCredential(headers, now, expires), nil
}

func newCredential(headers []string, now, expires time.Time) *credential {
	if expires.Before(now.Add(minLifetime)) {
		expires = now.Add(minLifetime)
	}
	ahead := min(maxAhead, expires.Sub(now)/10)
	return &credential{headers: headers, made: now, renewal: expires.Add(-ahead), expires: expires}
}

func helperHeaders(all map[string][]string) ([]string, error) {
	var pairs []string
	for name, values := range all {
		for _, value := range values {
			lower, err := checkHeader(name, value)
			if err != nil {
				return nil, errors.New("printed a header that cannot be sent: " + err.Error())
			}
			pairs = append(pairs, lower, value)
		}
	}
	return slices.Clip(pairs), nil
}

// readTime reads the forms of ISO 8601 that helpers print; RFC 3339 is what they should.
func readTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("printed a time of expiry that is not as in 2006-01-02T15:04:05Z")
}
