// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
)

// keeping is the name under which the test program is a distributor.
const keeping = "keeping-distributor"

func init() {
	if filepath.Base(os.Args[0]) != keeping {
		return
	}
	if err := distribute(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, keeping+":", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// wireJobs is a job file as LLD documents it; dtlto's own reader has no part in this.
type wireJobs struct {
	Common struct {
		Output string   `json:"linker_output"`
		Args   []string `json:"args"`
		Inputs []string `json:"inputs"`
	} `json:"common"`
	Jobs []wireJob `json:"jobs"`
}

type wireJob struct {
	Args    []string `json:"args"`
	Inputs  []string `json:"inputs"`
	Outputs []string `json:"outputs"`
}

// kept is what the distributor keeps of a link.
type kept struct {
	Argv    []string
	Jobs    wireJobs
	Modules []string // for each job the digest of its module
	Missing []string // inputs that are not there
}

// distribute is a distributor as somebody might write it for LLVM 22: it runs the
// jobs, and keeps them and their objects in the folder that is its first argument.
func distribute(argv []string) error {
	if len(argv) != 2 {
		return fmt.Errorf("arguments %q", argv)
	}
	text, err := os.ReadFile(argv[1])
	if err != nil {
		return err
	}
	k := kept{Argv: argv}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&k.Jobs); err != nil {
		return err
	}
	k.Modules = make([]string, len(k.Jobs.Jobs))
	var group errgroup.Group
	group.SetLimit(2)
	for i, job := range k.Jobs.Jobs {
		for _, input := range slices.Concat(k.Jobs.Common.Inputs, job.Inputs) {
			if _, err := os.Stat(input); err != nil {
				k.Missing = append(k.Missing, input)
			}
		}
		group.Go(func() (err error) {
			k.Modules[i], err = runJob(slices.Concat(k.Jobs.Common.Args, job.Args), job, filepath.Join(argv[0], strconv.Itoa(i)))
			return
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if text, err = json.Marshal(k); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(argv[0], "kept.json"), text, 0o644)
}

// runJob compiles, keeps the object, and returns the digest of the module.
func runJob(command []string, job wireJob, object string) (string, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%q: %w", command, err)
	}
	text, err := os.ReadFile(job.Outputs[0])
	if err != nil {
		return "", err
	}
	module, err := os.ReadFile(job.Inputs[0])
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sha256.Sum256(module)), os.WriteFile(object, text, 0o644)
}

// linkKeeping links in staged mode with that distributor.
func (s *staging) linkKeeping(args ...string) (product, kept) {
	s.t.Helper()
	folder := s.t.TempDir()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	symlink(s.t, self, filepath.Join(folder, keeping))
	l := stagedLLD
	l.folder = "kept"
	p, err := s.try(l, append(args, "-Wl,--thinlto-distributor="+filepath.Join(folder, keeping), "-Wl,--thinlto-distributor-arg="+folder)...)
	if err != nil {
		s.t.Fatal(err)
	}
	var k kept
	text, err := os.ReadFile(filepath.Join(folder, "kept.json"))
	if err != nil {
		s.t.Fatalf("the distributor was not run: the link says %q", p.said)
	}
	if err := json.Unmarshal(text, &k); err != nil {
		s.t.Fatal(err)
	}
	return p, k
}

// object is what the distributor kept of a job.
func (k *kept) object(job int) string { return filepath.Join(k.Argv[0], strconv.Itoa(job)) }

// TestStagedDistributor is about job files in staged mode: distributors that were
// written for LLVM 22 find all in them that they may rely on, whatever the LLVM.
func TestStagedDistributor(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		losing(s)
		inProcess := s.link(plainLLD, "main.o", "root.o", "libmixed.a", "-o", "OUT/program")
		p, k := s.linkKeeping("main.o", "root.o", "libmixed.a", "-o", "OUT/program")
		s.wantSame(inProcess, p)
		k.check(s, "program", "kept/program")
		imports := 0
		for _, job := range k.Jobs.Jobs {
			imports += len(job.Inputs) - 2
		}
		// main.o, root.o, inlined.o and never.o; root imports from two, main from root and perhaps from those.
		if len(k.Jobs.Jobs) != 4 || imports < 3 {
			s.t.Errorf("%d jobs with %d imports", len(k.Jobs.Jobs), imports)
		}
	})
}

// check wants a job file to be as LLD 22's are.
func (k *kept) check(s *staging, name, output string) {
	t := s.t
	t.Helper()
	if file := filepath.Base(k.Argv[len(k.Argv)-1]); !regexp.MustCompile(`^` + name + `\.\d+\.dist-file\.json$`).MatchString(file) {
		t.Errorf("the job file is called %s", file)
	}
	if len(k.Missing) > 0 {
		t.Errorf("inputs %q are not there", k.Missing)
	}
	common := k.Jobs.Common
	if common.Output != output || common.Inputs == nil {
		t.Errorf("output %q, common inputs %q", common.Output, common.Inputs)
	}
	version, err := exec.Command(common.Args[0], "--version").Output()
	if err != nil || !strings.Contains(string(version), fmt.Sprintf("clang version %d.", s.llvm)) {
		t.Errorf("the compiler is %q, %v", version, err)
	}
	outputs := map[string]bool{}
	for _, job := range k.Jobs.Jobs {
		command := slices.Concat(common.Args, job.Args)
		for _, want := range []string{"-c", job.Inputs[0], "-fthinlto-index=" + job.Inputs[1], job.Outputs[0]} {
			if !slices.Contains(command, want) {
				t.Errorf("%q lacks %q", command, want)
			}
		}
		if !slices.ContainsFunc(command, func(arg string) bool { return strings.HasPrefix(arg, "--target=") }) {
			t.Errorf("%q names no target", command)
		}
		if outputs[job.Outputs[0]] {
			t.Errorf("two jobs make %s", job.Outputs[0])
		}
		outputs[job.Outputs[0]] = true
	}
}

// TestStagedDistributorFails wants LLD 22's message and no program, whether it is the
// distributor's exit code or an object that is not there.
func TestStagedDistributorFails(t *testing.T) {
	withEachLLVM(t, func(s *staging) {
		s.bitcode("main.o", `int main(void) { return 0; }`)
		for name, want := range map[string]string{"false": "distributor", "true": "main"} {
			p, err := s.try(stagedLLD, "main.o", "-o", "OUT/program", "-Wl,--thinlto-distributor=/bin/"+name)
			if err == nil || !strings.Contains(p.said, want) || !strings.Contains(p.said, "error: ") {
				s.t.Errorf("%s: %v: the link says %q", name, err, p.said)
			}
			if left := names(s.t, p.dir); len(left) > 0 {
				s.t.Errorf("%s: left behind: %q", name, left)
			}
		}
	})
}
