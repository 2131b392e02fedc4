// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package thinlto

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A Compile is a backend compile as somebody says it to Clang.
type Compile struct {
	Compiler string   // the first word
	Args     []string // what says how to compile, in order, without -c and the rest
	Module   string
	Index    string
	Object   string
	Files    []string // which Args name and the compile reads
}

// NotUnderstood is why nobody but Clang knows what a command line is to do, which is well
// formed as far as it is understood.
type NotUnderstood struct{ Why string }

func (e *NotUnderstood) Error() string { return e.Why }

// ReadCompile reads Clang's command line, response files expanded. Left out of
// Args is what changes nothing for bitcode: see forSources. An error is a
// *NotUnderstood, with all of the Compile that could be told, or says why this is no
// backend compile.
func ReadCompile(words []string) (*Compile, error) {
	if len(words) == 0 {
		return nil, errors.New("there is no command (see dtlto backend --help)")
	}
	name := clangName.FindStringSubmatch(path.Base(strings.ReplaceAll(words[0], `\`, "/")))
	if name == nil {
		return nil, fmt.Errorf("%s: is no clang (nothing may stand in front of it)", words[0])
	}
	r := compileReader{Compile: Compile{Compiler: words[0]}, rest: words[1:]}
	if name[1] != "" {
		r.odd("the compiler's name, %s, chooses a target (say --target=)", name[0])
	}
	for len(r.rest) > 0 && r.err == nil {
		r.word()
	}
	return r.end()
}

// clangName is what Clang is called, perhaps behind a target.
var clangName = regexp.MustCompile(`^(?:(.+)-)?clang(?:\+\+)?(?:-[0-9.]+)?(?:\.exe)?$`)

type compileReader struct {
	Compile
	rest     []string
	language string // of the next inputs: what -x says
	compiles bool   // there is -c
	indexes  int
	objects  int
	modules  int
	why      *NotUnderstood // the first reason
	err      error
}

func (r *compileReader) odd(format string, args ...any) {
	if r.why == nil {
		r.why = &NotUnderstood{fmt.Sprintf(format, args...)}
	}
}

// value takes the word behind an option.
func (r *compileReader) value(option string) string {
	if len(r.rest) == 0 {
		r.odd("nothing stands behind %s", option)
		return ""
	}
	value := r.rest[0]
	r.rest = r.rest[1:]
	return value
}

// word takes the next word, and what belongs to it.
func (r *compileReader) word() {
	word := r.rest[0]
	r.rest = r.rest[1:]
	switch {
	case word == "--" || word == "-":
		r.odd("%s is among its arguments", word)
	case strings.HasPrefix(word, "@"):
		r.odd("%s cannot be read, or not whole", word)
	case !strings.HasPrefix(word, "-"):
		r.input(word)
	case !r.own(word) && !r.isForSources(word):
		r.Args = append(r.Args, word)
		if separate[word] {
			r.Args = append(r.Args, r.value(word))
		}
	}
}

// own takes the options that say what is compiled to what.
func (r *compileReader) own(word string) bool {
	name, value, joined := strings.Cut(word, "=")
	switch {
	case word == "-c" || word == "--compile":
		r.compiles = true
	case word == "-o" || word == "--output":
		r.object(r.value(word))
	case name == "--output" && joined:
		r.object(value)
	case strings.HasPrefix(word, "-o") && !strings.HasPrefix(word, "-obj"): // -objcmt-…
		r.object(word[2:])
	case word == "-x" || word == "--language":
		r.language = r.value(word)
	case name == "--language" && joined:
		r.language = value
	case strings.HasPrefix(word, "-x"):
		r.language = word[2:]
	case name == "-fthinlto-index" && joined:
		r.Index = value
		r.indexes++
	case name == "-flto":
		r.err = fmt.Errorf("%s: with it clang makes bitcode of bitcode, no object: leave it out", word)
	case word == "-target":
		r.Args = append(r.Args, "--target="+r.value(word))
	default:
		return false
	}
	return true
}

func (r *compileReader) object(name string) {
	r.Object = name
	r.objects++
	if name == "-" {
		r.odd("its output is -")
	}
}

// input takes an input. What is not known by its ending for a source is bitcode to
// Clang in such a compile.
func (r *compileReader) input(name string) {
	r.Module = name
	r.modules++
	ending := path.Ext(name)
	switch r.language {
	case "ir":
	case "", "none":
		if !slices.Contains([]string{"", ".o", ".obj", ".lo", ".bc"}, ending) {
			r.odd("%s may not be bitcode, by its ending (say -x ir)", name)
		}
	default:
		r.odd("%s is called %s (-x), not ir", name, r.language)
	}
}

// end says what is wrong with the whole.
func (r *compileReader) end() (*Compile, error) {
	switch {
	case r.err != nil:
		return nil, r.err
	case !r.compiles || r.Index == "" || r.Object == "" || r.Module == "":
		return nil, fmt.Errorf("%s: no backend compile: it needs -c, -fthinlto-index=INDEX, a module and -o OBJECT", r.Compiler)
	case r.Object == r.Module || r.Object == r.Index || r.Module == r.Index:
		return nil, fmt.Errorf("%s: one file is two of module, index and object", r.Module)
	case r.modules > 1:
		r.odd("it has %d inputs, or an option that dtlto does not know", r.modules)
	case r.indexes > 1 || r.objects > 1:
		r.odd("it has more than one index or output")
	}
	r.findFiles()
	if r.why != nil {
		return &r.Compile, r.why
	}
	return &r.Compile, nil
}

// findFiles finds the files that options name. Whether they are files (a profile may be
// in a folder), others must see.
func (r *compileReader) findFiles() {
	for _, arg := range r.Args {
		for _, option := range []string{"-fprofile-use=", "-fprofile-instr-use=", "-fprofile-sample-use=", "-fbasic-block-sections=list="} {
			if file, ok := strings.CutPrefix(arg, option); ok && file != "" && !slices.Contains(r.Files, file) {
				r.Files = append(r.Files, file)
			}
		}
	}
}
