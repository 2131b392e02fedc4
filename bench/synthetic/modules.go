// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package synthetic

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// templates make modules. All that call as many functions are one module over and
// over: bitcode has the names of symbols in a table, all in one piece, where each can
// be replaced by another that is as long.
type templates struct {
	folder string
	made   map[int]template // by how many functions are called
}

type template struct {
	bitcode []byte
	at      []int // where the names are: its own, then those that it calls
}

// writeModules writes the modules and a response file with their paths. One of them
// starts the program and calls the last of the others.
func writeModules(ctx context.Context, folder string, count int, calls Calls) (string, error) {
	count-- // for the one that starts
	start := filepath.Join(folder, "start.o")
	last := functionName(count - 1)
	text := fmt.Sprintf("unsigned %s(unsigned x); void _start(void) { %s(1); }", last, last)
	if err := compile(ctx, text, start, "-flto=thin", "-c"); err != nil {
		return "", err
	}
	t := templates{folder, map[int]template{}}
	paths := []byte(start + "\n")
	for i := range count {
		module, err := t.module(ctx, i, calls(i, count))
		if err != nil {
			return "", err
		}
		path := filepath.Join(folder, strconv.Itoa(i)+".o")
		if err := os.WriteFile(path, module, 0o644); err != nil {
			return "", err
		}
		paths = append(paths, path+"\n"...)
	}
	responses := filepath.Join(folder, "modules.rsp")
	return responses, os.WriteFile(responses, paths, 0o644)
}

func functionName(i int) string { return fmt.Sprintf("f%05d", i) }

// module is the bitcode of module i.
func (t *templates) module(ctx context.Context, i int, calls []int) ([]byte, error) {
	names := append([]int{i}, calls...)
	if sorted := slices.Sorted(slices.Values(names)); len(slices.Compact(sorted)) < len(names) {
		return nil, fmt.Errorf("module %d would call itself or another twice: the link is too small", i)
	}
	from, err := t.get(ctx, len(calls))
	if err != nil {
		return nil, err
	}
	module := bytes.Clone(from.bitcode)
	for k, number := range names {
		copy(module[from.at[k]:], functionName(number))
	}
	return module, nil
}

func (t *templates) get(ctx context.Context, calls int) (made template, err error) {
	made, ok := t.made[calls]
	if ok {
		return made, nil
	}
	path := filepath.Join(t.folder, "template.o")
	if err := compile(ctx, templateText(calls), path, "-flto=thin", "-c"); err != nil {
		return made, err
	}
	if made.bitcode, err = os.ReadFile(path); err == nil {
		made.at, err = places(made.bitcode, calls)
	}
	t.made[calls] = made
	return made, err
}

// placeholder is the name in the template of the k-th function called; of its own
// function for 0.
func placeholder(k int) string { return fmt.Sprintf("X%05d", k) }

// templateText is a function. With few calls it is small enough to be imported, and
// with any too large to be imported for the sake of one that was imported itself.
func templateText(calls int) string {
	var text strings.Builder
	for k := range calls {
		fmt.Fprintf(&text, "unsigned %s(unsigned x);\n", placeholder(k+1))
	}
	fmt.Fprintf(&text, "unsigned %s(unsigned x) {\n", placeholder(0))
	for k := range calls {
		fmt.Fprintf(&text, "x = %s(x) * %d; x ^= x >> %d;\n", placeholder(k+1), 2*k+3, k%31+1)
	}
	return text.String() + "return x * 3; }\n"
}

// places are where a template has the names.
func places(template []byte, calls int) ([]int, error) {
	at := make([]int, calls+1)
	for k := range at {
		name := []byte(placeholder(k))
		if n := bytes.Count(template, name); n != 1 {
			return nil, fmt.Errorf("the name %s is %d times in the bitcode, want it once", name, n)
		}
		at[k] = bytes.Index(template, name)
	}
	return at, nil
}
