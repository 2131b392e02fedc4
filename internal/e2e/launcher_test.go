// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/record"
)

// TestLauncher puts programs in front of compiles that stand for srun, ssh and reclient's
// rewrapper, which need a cluster: each does what those do with its words.
func TestLauncher(t *testing.T) {
	tr := smallTree(t, 19)
	want := newMachine(t, tr)
	want.link(tr.driver, tr.args()...)
	objects, _ := want.jobs()
	for _, tc := range []struct{ name, script, launcher string }{
		// Runs its words where it was started.
		{"srun", `shift; "$@"`, "-n1"},
		// Runs a line of shell in another folder.
		{"ssh", `shift; cd / && sh -c "$*"`, "host cd {folder} &&"},
		// Copies what it is told of to another folder, and back.
		{"rewrapper", `folder=${1#--exec_root=} inputs=${2#--inputs=} outputs=${3#--output_files=}; shift 4
			d=$(mktemp -d) && cd "$folder" && cp -P $(echo "$inputs" | tr , ' ') "$d" && (cd "$d" && "$@") && cp $(cd "$d" && echo "$outputs" | sed "s#^#$d/#; s#,# $d/#g") "$folder" && rm -r "$d"`,
			"--exec_root={folder} --inputs={inputs} --output_files={outputs} --"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			folder := t.TempDir()
			script := filepath.Join(folder, tc.name)
			text := "#!/bin/sh\necho \"$*\" >>" + folder + "/log\nenv >>" + folder + "/env\n" + tc.script + "\n"
			if err := os.WriteFile(script, []byte(text), 0o755); err != nil { //nolint:gosec // a program
				t.Fatal(err)
			}
			m := newMachine(t, tr, "DTLTO_LAUNCHER="+script+" "+tc.launcher, "DTLTO_LAUNCHER_JOBS=3", "DTLTO_REMOTE_HEADER=authorization=s3cr3t")
			said := m.link(tr.driver, tr.args()...)
			if got := m.wantOnly(record.Compiled); !maps.Equal(plainKeys(got), plainKeys(objects)) {
				t.Errorf("other objects than without a launcher:\n%v\n%v", got, objects)
			}
			if !strings.Contains(said, "up to 3 at a time") {
				t.Errorf("not so many at once as --launcher-jobs says: %s", said)
			}
			if n := strings.Count(string(read(t, folder+"/log")), "\n"); n != len(objects) {
				t.Errorf("the launcher was called %d times for %d modules", n, len(objects))
			}
			// Where it leads, another compiler may lie: without it, nothing of that is taken.
			m.env = nil
			m.link(tr.driver, tr.args()...)
			m.wantOnly(record.Compiled)
			env := string(read(t, folder+"/env"))
			if !strings.Contains(env, "PATH=") || strings.Contains(env, "s3cr3t") {
				t.Errorf("the launcher's environment: %s", env)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		m := newMachine(t, tr, "DTLTO_LAUNCHER=/no/launcher")
		if said, err := m.tryLink(tr.driver, tr.args()...); err == nil || !strings.Contains(said, "--launcher: /no/launcher: ") {
			t.Errorf("%v: %s", err, said)
		}
	})
}
