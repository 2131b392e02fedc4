// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command floor is a distributor that knows every object beforehand: it hard-links
// FOLDER/TASK.o, TASK being the linker's number of the job, to where the linker
// wants the object, and does nothing else. No distributor can be cheaper, so a
// link with it shows what of a link is the linker's own.
//
// usage: floor FOLDER JOBS.json
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: floor FOLDER JOBS.json")
	}
	folder := args[0]
	text, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	// The file is not parsed: LLD writes it without spaces, and the paths of a
	// benchmark need no escapes.
	const before = `"outputs":["`
	links := 0
	for {
		at := bytes.Index(text, []byte(before))
		if at < 0 {
			break
		}
		text = text[at+len(before):]
		output := string(text[:bytes.IndexByte(text, '"')])
		if err := os.Link(folder+"/"+task(output)+".o", output); err != nil {
			return err
		}
		links++
	}
	if links == 0 {
		return errors.New("no job in " + args[1])
	}
	return nil
}

// task is the task in the path of an object, STEM.TASK.PID.native.o.
func task(output string) string {
	stem := strings.TrimSuffix(output, ".native.o")
	stem = stem[:max(0, strings.LastIndexByte(stem, '.'))]
	return stem[strings.LastIndexByte(stem, '.')+1:]
}
