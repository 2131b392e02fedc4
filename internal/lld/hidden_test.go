// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// What a shared library exports, when bitcode and native objects disagree about that,
// is what in-process LTO lets it export.
func TestHidden(t *testing.T) {
	const hide, protect = "__attribute__((visibility(\"hidden\"))) ", "__attribute__((visibility(\"protected\"))) "
	for _, tc := range []struct {
		name         string
		thin, second string // bitcode
		native       string
		regular      bool // the second bitcode file is not ThinLTO
		options      string
		triple       string
		why          string
	}{
		{name: "all visible", thin: "int f(void); int a(void) { return f(); }", native: "int f(void) { return 1; }"},
		{name: "declared in bitcode that forgets it", thin: hide + "int f(void); static int u(void) { return f(); } int a(void) { return 2; }", native: "int f(void) { return 1; }"},
		{name: "declared and used", thin: hide + "int f(void); int a(void) { return f(); }", native: "int f(void) { return 1; }"},
		{name: "declared in other bitcode", thin: "int f(void) { return 1; }", second: hide + "int f(void); int b(void) { return 0 & f(); }"},
		{name: "declared in regular bitcode", thin: "int f(void) { return 1; }", second: hide + "int f(void); int b(void) { return f() * 0; }", regular: true},
		{name: "defined in regular bitcode", second: "int f(void) { return 1; }", thin: hide + "int f(void); int b(void) { return f() * 0; }", regular: true},
		{name: "protected", thin: "int f(void) { return 1; }", second: protect + "int f(void); int b(void) { return f() * 0; }"},
		{name: "protected native", thin: protect + "extern int v; int b(void) { return v * 0; }", native: "int v = 1;"},
		{name: "a hidden weak definition loses", thin: hide + "__attribute__((weak)) int f(void) { return 1; } int a(void) { return 3; }", native: "int f(void) { return 2; }"},
		{name: "hidden by a native object", thin: "int f(void); int a(void) { return f() * 0; }", native: hide + "int f(void) { return 2; }"},
		{name: "inline functions", thin: hide + "__attribute__((weak)) int f(void) { return 1; } int a(void) { return f(); }", second: "__attribute__((weak)) int f(void) { return 1; } int b(void) { return f(); }"},
		{name: "data", thin: hide + "extern int v; int a(void) { return v * 0; }", native: "int v; int w;"},
		{name: "thread-local data", thin: hide + "extern _Thread_local int v; int a(void) { return v * 0; }", native: "_Thread_local int v = 3;"},
		{name: "--defsym", thin: hide + "int f(void); int a(void) { return f() * 0; }", native: "int g(void) { return 1; }", options: "--defsym=f=g --defsym f2=g"},
		{name: "version", thin: hide + "int f(void); int a(void) { return f() * 0; }",
			native: "int g(void) { return 1; } __asm__(\".symver g, f@@V1\");", options: "--version-script=v"},
		{name: "wrapped", thin: hide + "int f(void); int a(void) { return f() * 0; }", native: "int f(void) { return 1; } int __wrap_f(void) { return 1; }", options: "--wrap=f"},
		{name: "an odd name", thin: hide + "int f(void) __asm__(\"x y*1\"); int a(void) { return f() * 0; }", native: "int f(void) __asm__(\"x y*1\"); int f(void) { return 1; }", options: "--version-script=v"},
		{name: "a name for no assembler", thin: hide + "int f(void) __asm__(\"x\\\\y\"); int a(void) { return f() * 0; }", native: "int f(void) __asm__(\"x\\\\y\"); int f(void) { return 1; }", why: "assembly cannot name"},
		{name: "protection", thin: hide + "int f(void); int a(void) { return f() * 0; }", native: "int f(void) { return 1; }", options: "-cf"},
		{name: "32 bits", thin: hide + "int f(void); static int u(void) { return f(); } int a(void) { return 2; }", native: "int f(void) { return 1; }", triple: "i686-linux-gnu", options: "-cf"},
		{name: "AArch64", thin: hide + "int f(void); int a(void) { return f() * 0; }", native: "int f(void) { return 1; }", triple: "aarch64-linux-gnu", options: "-bti"},
		{name: "RISC-V", thin: hide + "int f(void); int a(void) { return f() * 0; }", native: "int f(void) { return 1; }", triple: "riscv64-linux-gnu", why: "in code for riscv64"},
	} {
		for _, version := range []string{"14", "22"} { // the oldest and the newest of llvmtest.Versions
			t.Run(version+"/"+strings.ReplaceAll(tc.name, " ", "_"), func(t *testing.T) {
				w := &workshop{t, version, t.TempDir()}
				t.Chdir(t.TempDir())
				llvmtest.Write(t, ".", "thin.c", tc.thin, "second.c", tc.second, "native.c", tc.native, "v", "V1 { global: *; };")
				flags := []string{"-c", "-O2", "-fPIC", "-fsemantic-interposition", "--target=" + tc.triple}
				if tc.triple == "" {
					flags = flags[:4]
				}
				options := strings.Fields(tc.options)
				switch tc.options {
				case "-cf":
					flags, options = append(flags, "-fcf-protection"), nil
				case "-bti":
					flags, options = append(flags, "-mbranch-protection=standard"), nil
				}
				mode := "-flto=thin"
				w.run("clang", append(flags, "thin.c", mode)...)
				if tc.regular {
					mode = "-flto"
				}
				w.run("clang", append(flags, "second.c", mode)...)
				w.run("clang", append(flags, "native.c")...)
				c := ReadCommand(append(options, "-shared", "thin.o", "second.o", "native.o", "-o", "out"))
				root := t.TempDir()
				_, _, _, err := w.staged(c, root)
				if tc.why != "" {
					if !refuses(err) || !strings.Contains(err.Error(), tc.why) {
						t.Fatalf("error %v, want one with %q", err, tc.why)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				got, notes := w.visibilities("out"), w.run("llvm-readelf", "-n", "out")
				w.run("ld.lld", c.Words...)
				if diff := cmp.Diff(w.visibilities("out"), got); diff != "" {
					t.Errorf("in-process (-), in steps (+):\n%s", diff)
				}
				if diff := cmp.Diff(w.run("llvm-readelf", "-n", "out"), notes); diff != "" {
					t.Errorf("notes in-process (-), in steps (+):\n%s", diff)
				}
				if tc.name == "all visible" && exists(filepath.Join(root, "hidden.s")) {
					t.Error("there is an object that hides nothing")
				}
			})
		}
	}
}

// visibilities are the symbols with their types, bindings and visibilities.
func (w *workshop) visibilities(path string) []string {
	var symbols []string
	for _, line := range lines(w.run("llvm-readelf", "--symbols", "--dyn-syms", "--wide", path)) {
		if f := strings.Fields(line); len(f) >= 8 && strings.HasSuffix(f[0], ":") && f[3] != "FILE" {
			symbols = append(symbols, fmt.Sprint(f[3:6], f[7:]))
		}
	}
	slices.Sort(symbols)
	return slices.Compact(symbols)
}
