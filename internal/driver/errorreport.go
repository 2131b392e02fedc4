// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package driver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dtlto/dtlto/internal/exec"
)

// PrintError prints an error for a person: what went wrong and where, what the
// compiler said, and what to do to see it again. Several that are joined get a report
// each. staged says that the link was dtlto's own.
func PrintError(w io.Writer, err error, staged bool) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			PrintError(w, err, staged)
		}
		return
	}
	var failure *exec.Failure
	if !errors.As(err, &failure) {
		fmt.Fprintf(w, "dtlto: error: %v\n", err)
		return
	}
	fmt.Fprintf(w, "dtlto: error: %v\n", failure)
	if len(failure.Output) > 0 {
		_, _ = w.Write(failure.Output)
		if !bytes.HasSuffix(failure.Output, []byte("\n")) {
			fmt.Fprintln(w)
		}
	}
	if len(failure.Command) == 0 {
		return
	}
	fmt.Fprintf(w, "dtlto: note: the command was: %s%s\n", inFolder(), exec.CommandLine(failure.Command))
	if errors.As(err, new(*ownCommand)) {
		return // its files are there
	}
	if staged {
		fmt.Fprintf(w, "dtlto: note: the files in .dtlto- folders that it names were removed with the link\n")
	} else {
		fmt.Fprintf(w, "dtlto: note: a linker keeps its inputs only under --save-temps (-Wl,--save-temps)\n")
	}
}

// inFolder is the change of folder that a command with relative paths needs.
func inFolder() string {
	folder, err := os.Getwd()
	if err != nil {
		return ""
	}
	return exec.CommandLine([]string{"cd", folder}) + " && "
}
