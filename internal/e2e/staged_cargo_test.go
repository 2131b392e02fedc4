// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// TestStagedCargo builds Rust crates and a C library with cargo, where rustc is Debian's
// of LLVM 14: Rust and C in one ThinLTO link that clang-14 makes.
func TestStagedCargo(t *testing.T) {
	rustc := rustcOf(t, "14")
	cargo := strings.TrimSuffix(rustc, "rustc") + "cargo"
	if _, err := os.Stat(cargo); err != nil {
		t.Skipf("NOT TESTED: no cargo beside %s", rustc)
	}
	s := newStaging(t, 14)
	// Rust's own spelling of the target: in-process too, LLD warns of another.
	s.compileAll([]string{"-flto=thin", "-fPIC", "--target=x86_64-unknown-linux-gnu"}, []string{"sum.o", "int sum(int a, int b) { return a + b; }\n"})
	s.archive("libsum.a", "sum.o")
	s.write(
		// rustc keeps what a successful linker says to itself.
		"linker", "#!/bin/sh\nexec clang-14 \"$@\" 2>>"+s.path("said")+"\n",
		"Cargo.toml", "[package]\nname = \"program\"\nversion = \"1.0.0\"\nedition = \"2021\"\n[dependencies]\nadder = { path = \"adder\" }\n",
		"src/main.rs", "fn main() {\n    let mut v = vec![8, 3, 5];\n    v.sort();\n    println!(\"sum {} {:?}\", adder::add(40, 2), v);\n}\n",
		"adder/Cargo.toml", "[package]\nname = \"adder\"\nversion = \"1.0.0\"\nedition = \"2021\"\n",
		"adder/src/lib.rs", "#[link(name = \"sum\", kind = \"static\")]\nextern \"C\" {\n    fn sum(a: i32, b: i32) -> i32;\n}\npub fn add(a: i32, b: i32) -> i32 {\n    unsafe { sum(a, b) }\n}\n",
	)
	if err := os.Chmod(s.path("linker"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(cargo, "build", "--release", "--offline")
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), append([]string{"RUSTC=" + rustc, "CARGO_HOME=" + t.TempDir(), "CARGO_TARGET_DIR=" + s.path("target"),
		"RUSTFLAGS=-C linker-plugin-lto -C linker=" + s.path("linker") + " -C link-arg=" + stagedLLD.flag + " -L " + s.dir}, stagedLLD.env...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cargo: %v\n%s", err, out)
	}
	wantLines(t, s.run(s.path("target/release/program")), "sum 42 [3, 5, 8]", "exit status 0")
	p := product{jobs: -1}
	p.takeSummary(string(read(t, s.path("said"))))
	if p.jobs < 3 || p.said != "" { // the program's units, adder's and sum.o
		t.Errorf("%d jobs: the link says %q", p.jobs, p.said)
	}
	wantNames(t, s.path("target/release/deps"), depsOf(names(t, s.path("target/release/deps"))))
}

// depsOf are the names that rustc gives.
func depsOf(all []string) (rust []string) {
	for _, name := range all {
		if strings.Contains(name, "program") || strings.Contains(name, "adder") {
			if !strings.HasPrefix(name, ".dtlto-") {
				rust = append(rust, name)
			}
		}
	}
	return rust
}

// rustcOf is a rustc with an LLVM, on PATH or Debian's, which rustup's may hide there.
func rustcOf(t *testing.T, major string) string {
	t.Helper()
	const debian = "/usr/bin/rustc"
	out, err := exec.Command(debian, "--version", "--verbose").Output()
	if err == nil && strings.Contains(string(out), "LLVM version: "+major+".") {
		return debian
	}
	return llvmtest.Rustc(t, major)
}
