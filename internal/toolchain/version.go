// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package toolchain

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Version is an LLVM release.
type Version struct{ Major, Minor, Patch int }

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// askTimeout bounds how long a program may take to say its version or its
// options. They take some 10 ms.
const askTimeout = 10 * time.Second

// LLDVersion is the version of an ld.lld. The error names the program.
func LLDVersion(path string) (Version, error) { return askVersion(path, "LLD") }

// ClangVersion is the version of a clang. The error names the program.
func ClangVersion(path string) (Version, error) { return askVersion(path, "clang version") }

// askVersion reads the three numbers behind a word of what --version prints.
func askVersion(path, word string) (Version, error) {
	text, err := remembered("version", path, func() (string, error) { return ask(path, "--version") })
	if err != nil {
		return Version{}, err
	}
	return parseVersion(path, word, text)
}

// ParseClangVersion reads the version out of what the clang at path printed for
// --version. The error names the program.
func ParseClangVersion(path, text string) (Version, error) {
	return parseVersion(path, "clang version", text)
}

func parseVersion(path, word, text string) (Version, error) {
	m := regexp.MustCompile(`\b` + word + ` (\d+)\.(\d+)(?:\.(\d+))?`).FindStringSubmatch(text)
	if m == nil {
		first, _, _ := strings.Cut(text, "\n")
		return Version{}, fmt.Errorf("%s: does not say its version as LLVM's tools do: %q", path, first)
	}
	var v Version
	for i, part := range []*int{&v.Major, &v.Minor, &v.Patch} {
		*part, _ = strconv.Atoi(m[i+1])
	}
	return v, nil
}

// Environment is what programs that are not ours get of our environment: not our own
// settings, which may have secrets.
func Environment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "DTLTO_") })
}

func command(ctx context.Context, path string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = Environment()
	return cmd
}

// ask runs a program that prints something about itself.
func ask(path string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	return answer(command(ctx, path, args), (*exec.Cmd).Output)
}

// askAloud is ask for a program that says it on stderr.
func askAloud(path string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	return answer(command(ctx, path, args), (*exec.Cmd).CombinedOutput)
}

func answer(cmd *exec.Cmd, output func(*exec.Cmd) ([]byte, error)) (string, error) {
	cmd.WaitDelay = time.Second // what a script leaves running may keep its output open
	out, err := output(cmd)
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return string(out), nil
}

// KnowsLLVMOption says whether clang registers an option of LLVM's, so that
// "-mllvm -NAME" is not refused. Clang is asked for all of them at once.
func KnowsLLVMOption(clang, name string) (bool, error) {
	text, err := remembered("llvm-options", clang, func() (string, error) {
		help, err := ask(clang, "-cc1", "-mllvm", "--help-list-hidden")
		return optionNames(help), err
	})
	if err != nil {
		return false, err
	}
	return name != "" && strings.Contains(text, "\n"+name+"\n"), nil
}

// optionNames reduces LLVM's option help to the names, one a line, a line
// break before the first. An option's line begins with two blanks and dashes,
// a value's with four blanks.
func optionNames(help string) string {
	var names strings.Builder
	names.WriteByte('\n')
	for line := range strings.SplitSeq(help, "\n") {
		body, ok := strings.CutPrefix(line, "  -")
		if !ok {
			continue
		}
		name := strings.TrimLeft(body, "-")
		if end := strings.IndexAny(name, " =["); end >= 0 {
			name = name[:end]
		}
		names.WriteString(name)
		names.WriteByte('\n')
	}
	return names.String()
}
