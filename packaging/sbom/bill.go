// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

import (
	"runtime/debug"
	"strings"
)

// A bill is a CycloneDX document, as far as we have anything to say.
type bill struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Serial       string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp,omitzero"` // of the commit
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version,omitzero"`
	URL        string     `json:"purl,omitzero"`
	Hashes     []hash     `json:"hashes,omitzero"`
	Licenses   []license  `json:"licenses,omitzero"`
	Properties []property `json:"properties,omitzero"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type license struct {
	Expression string `json:"expression"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn,omitzero"`
}

// ownLicense is what the programs' own sources say in their first line.
const ownLicense = "Apache-2.0 WITH LLVM-exception"

// billOf is the bill of a program, whose SHA-256 makes the document's serial number too.
func billOf(name, digest string, info *debug.BuildInfo) *bill {
	program := component{
		Type: "application", Ref: name, Name: name, Version: info.Main.Version, URL: moduleURL(&info.Main),
		Hashes: []hash{{"SHA-256", digest}}, Licenses: []license{{ownLicense}},
	}
	b := &bill{Format: "CycloneDX", Spec: "1.6", Serial: "urn:uuid:" + uuid(digest), Version: 1}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			b.Metadata.Timestamp = s.Value
		}
		program.Properties = append(program.Properties, property{"go:build:" + s.Key, s.Value})
	}
	b.Metadata.Component = program
	b.Components = append(b.Components, library("std", strings.TrimPrefix(info.GoVersion, "go")))
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		b.Components = append(b.Components, library(m.Path, m.Version))
	}
	b.Dependencies = dependencies(name, b.Components)
	return b
}

// library is a Go module; Go's own library is called std, as in vulnerability databases.
func library(path, version string) component {
	url := moduleURL(&debug.Module{Path: path, Version: version})
	return component{Type: "library", Ref: url, Name: path, Version: version, URL: url}
}

func moduleURL(m *debug.Module) string {
	return "pkg:golang/" + strings.ToLower(m.Path) + "@" + strings.ReplaceAll(m.Version, "+", "%2B")
}

// dependencies say that the program depends on all: a program does not record which module
// wanted which.
func dependencies(program string, on []component) []dependency {
	root := dependency{Ref: program}
	leaves := make([]dependency, len(on))
	for i := range on {
		root.DependsOn = append(root.DependsOn, on[i].Ref)
		leaves[i].Ref = on[i].Ref
	}
	return append([]dependency{root}, leaves...)
}

// uuid is a UUID (of version 5: by name) of a digest.
func uuid(digest string) string {
	return digest[:8] + "-" + digest[8:12] + "-5" + digest[13:16] + "-8" + digest[17:20] + "-" + digest[20:32]
}
