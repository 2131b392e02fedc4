// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package channel

import (
	"strings"

	"google.golang.org/grpc/codes"
)

// advise says what to do about an answer, and whether all others will be alike. Text
// is in lower case.
func (c *Channel) advise(what string, code codes.Code, text string) (hint string, final bool) {
	instance := strings.Contains(text, "instance name") || strings.Contains(text, "instance_name") || strings.Contains(text, "instancename")
	switch code {
	case codes.Unauthenticated:
		if strings.Contains(text, "certificate") {
			return "check --tls-client-certificate and --tls-client-key", true
		}
		return "is the credential missing or expired? check " + c.credentials(), true
	case codes.PermissionDenied:
		return c.adviseDenied()
	case codes.Unimplemented:
		return c.adviseUnimplemented(), true
	case codes.InvalidArgument:
		if instance {
			return "check --remote-instance-name", true
		}
		return adviseInvalid(text), false
	case codes.NotFound, codes.FailedPrecondition:
		return c.adviseNotFound(what, instance)
	case codes.ResourceExhausted:
		if strings.Contains(text, "larger than max") {
			return "", false
		}
		return "the server has too much to do; a lower --remote-jobs asks less of it", false
	}
	return "", false
}

// credentials names the settings that credentials come from, the ones in use if any.
func (c *Channel) credentials() string {
	switch {
	case c.helper != nil:
		return "--credential-helper (in use: " + c.helper.path + ")"
	case c.service == Execution:
		return "--remote-header, --remote-exec-header or --credential-helper"
	}
	return "--remote-header, --remote-cache-header or --credential-helper"
}

// adviseDenied is about a credential that is good, but not for this. Reading may be
// allowed where writing is not, so only a server that allowed nothing yet is of no use.
// Buildbarn denies what it does not know an instance for.
func (c *Channel) adviseDenied() (hint string, final bool) {
	return "is the credential one for this, and for this --remote-instance-name? check " + c.credentials(), c.service == Execution || !c.served.Load()
}

// adviseUnimplemented is about a server that is none for this service.
func (c *Channel) adviseUnimplemented() string {
	switch {
	case c.service == Execution:
		return "does the server only cache? then set --remote-cache instead of --remote-executor"
	case c.setting == executorSetting:
		return "the executor has no storage; set --remote-cache to the address of what has"
	}
	return "is that the storage of a Remote Execution API server? check " + c.setting
}

// adviseNotFound is about what is not there. Of blobs and results that is said every
// day; of an instance, or by a server that was asked what it can do, it is final.
func (c *Channel) adviseNotFound(what string, instance bool) (hint string, final bool) {
	first := !c.served.Load()
	if instance || first && strings.Contains(what, "capabilities") {
		return "check --remote-instance-name", first
	}
	return "", false
}

// adviseInvalid is about limits of servers that others may have set.
func adviseInvalid(text string) string {
	switch {
	case strings.Contains(text, "only capable of storing"):
		return "the server's storage is too small for a compiler; --remote-compiler=PATH names one that workers have"
	case strings.Contains(text, "execution timeout"):
		return "the cluster must allow half an hour"
	case strings.Contains(text, "/usr/bin/env"):
		return "workers must not change their root folder to the inputs', or need --remote-compiler=PATH"
	}
	return ""
}
