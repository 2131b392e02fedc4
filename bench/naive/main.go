// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Command naive is the least a ThinLTO distributor can be, to compare dtlto with:
// it runs the jobs of the linker's job file so many at a time, in the order of the
// file, and looks at nothing else. It shares no code with dtlto.
//
// With -byhand it ignores the command lines in the job file and writes each one
// out itself, as somebody would who has read Clang's manual and not LLD's source.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

type jobFile struct {
	Common struct{ Args []string }
	Jobs   []struct{ Args, Inputs, Outputs []string }
}

func main() {
	parallel := flag.Int("j", 2, "how many jobs run at a time")
	byhand := flag.Bool("byhand", false, "write the compiler's command line out by hand")
	pic := flag.String("pic", "-fpic", "with -byhand: -fpic or -fno-pic")
	target := flag.String("target", "x86_64-pc-linux-gnu", "with -byhand: the target triple")
	keep := flag.String("keep", "", "copy each object into this `folder` as well")
	flag.Parse()
	text, err := os.ReadFile(flag.Arg(0))
	check(err)
	var file jobFile
	check(json.Unmarshal(text, &file))

	var group sync.WaitGroup
	slots := make(chan struct{}, *parallel)
	for _, job := range file.Jobs {
		slots <- struct{}{}
		args := append(append([]string{}, file.Common.Args...), job.Args...)
		if *byhand {
			args = []string{file.Common.Args[0], "-c", "--target=" + *target, "-O2", "-faddrsig",
				"-ffunction-sections", "-fdata-sections", *pic, "-Wno-unused-command-line-argument",
				"-x", "ir", job.Inputs[0], "-fthinlto-index=" + job.Inputs[1], "-o", job.Outputs[0]}
		}
		group.Go(func() {
			cmd := exec.Command(args[0], args[1:]...)
			cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
			check(cmd.Run())
			if *keep != "" {
				check(copyFile(filepath.Join(*keep, filepath.Base(job.Outputs[0])), job.Outputs[0]))
			}
			<-slots
		})
	}
	group.Wait()
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return err
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "naive:", err)
		os.Exit(1)
	}
}
