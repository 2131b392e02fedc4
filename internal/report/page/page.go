// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package page

import (
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

//go:embed page.html
var skeleton string

//go:embed page.css
var style string

// The page's script is these files, one after the other, in one scope.
var (
	//go:embed elements.js
	elements string
	//go:embed words.js
	words string
	//go:embed link.js
	link string
	//go:embed table.js
	table string
	//go:embed overview.js
	overview string
	//go:embed tracks.js
	tracks string
	//go:embed painter.js
	painter string
	//go:embed timeline.js
	timeline string
	//go:embed reasons.js
	reasons string
	//go:embed modules.js
	modules string
	//go:embed module.js
	module string
	//go:embed imports.js
	imports string
	//go:embed comparison.js
	comparison string
	//go:embed cluster.js
	cluster string
	//go:embed page.js
	start string
)

// Write writes the page: one file that needs nothing else, and may not ask for
// anything else. Whatever is in d comes into it as text.
func Write(w io.Writer, d *Data) error {
	script := script()
	for rest := skeleton; rest != ""; {
		before, after, _ := strings.Cut(rest, "{{")
		if _, err := io.WriteString(w, before); err != nil {
			return err
		}
		var name string
		name, rest, _ = strings.Cut(after, "}}")
		if err := writePart(w, name, script, d); err != nil {
			return err
		}
	}
	return nil
}

// writePart writes what stands for a name in the skeleton.
func writePart(w io.Writer, name, script string, d *Data) error {
	var text string
	switch name {
	case "title":
		text = escape(printable(base(d.Link.Output)))
	case "policy":
		text = policy(script)
	case "style":
		text = style
	case "script":
		text = script
	case "data":
		return json.MarshalWrite(w, newDocument(d), jsontext.EscapeForHTML(true), jsontext.AllowInvalidUTF8(true))
	}
	_, err := io.WriteString(w, text)
	return err
}

// script is a function that is called at once, so that nothing of it is global. What
// is between its parts and the tags around them counts for the policy's digest.
func script() string {
	parts := []string{elements, words, link, table, overview, tracks, painter, timeline, reasons, modules, module, imports, comparison, cluster, start}
	return "\"use strict\";\n(() => {\n" + strings.Join(parts, "\n") + "})();\n"
}

// policy is the page's Content-Security-Policy: nothing but the page's own style and
// script, no loads of any kind, and no way from text to HTML.
func policy(script string) string {
	return "default-src 'none'; style-src " + source(style) + "; script-src " + source(script) +
		"; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

func source(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

func base(path string) string { return path[strings.LastIndexAny(path, `/\`)+1:] }
