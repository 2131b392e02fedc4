// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dtlto/dtlto/internal/llvmtest"
)

// sweepValues are values for options that need one, by the option up to its value.
// Where there are several, each is tried.
var sweepValues = map[string][]string{
	"-o ":                                {"OUT/program"},
	"--output ":                          {"OUT/program"},
	"--output=":                          {"OUT/program"},
	"--oformat=":                         {"elf", "binary"},
	"--out-implib=":                      {"OUT/implib"},
	"--in-implib=":                       {"implib"},
	"--android-memtag-mode=":             {"none"},
	"--auxiliary=":                       {"lib.so"},
	"-b ":                                {"default"},
	"--build-id=":                        {"fast", "md5", "sha1", "uuid", "none", "0x12ab"},
	"--call-graph-ordering-file=":        {"calls"},
	"--call-graph-profile-sort=":         {"none", "hfsort", "cdsort"},
	"--color-diagnostics=":               {"auto", "always", "never"},
	"--compress-debug-sections=":         {"none", "zlib"},
	"--compress-sections=":               {".debug*=zlib"},
	"--default-script=":                  {"default.ld"},
	"-dT ":                               {"default.ld"},
	"--defsym=":                          {"new=work"},
	"--dependency-file=":                 {"OUT/depfile"},
	"--dynamic-linker=":                  {"/lib64/ld-linux-x86-64.so.2"},
	"--dynamic-list=":                    {"dynamic"},
	"--entry=":                           {"_start"},
	"-e ":                                {"_start"},
	"--error-handling-script=":           {"/bin/true"},
	"--error-limit=":                     {"1"},
	"--exclude-libs=":                    {"lib.a"},
	"--export-dynamic-symbol-list=":      {"dynamic"},
	"--export-dynamic-symbol=":           {"work"},
	"--filter=":                          {"lib.so"},
	"-F ":                                {"lib.so"},
	"-f ":                                {"lib.so"},
	"--fini=":                            {"work"},
	"--format=":                          {"default", "elf"},
	"--hash-style=":                      {"sysv", "gnu", "both"},
	"-h ":                                {"lib.so"},
	"--image-base=":                      {"0x400000"},
	"--init=":                            {"work"},
	"--just-symbols=":                    {"other.o"},
	"--keep-unique=":                     {"work"},
	"--library-path=":                    {"."},
	"--library-path ":                    {"."},
	"--library=":                         {"other"},
	"--library ":                         {"other"},
	"--lto-aa-pipeline=":                 {"default"},
	"--lto-basic-block-sections=":        {"none", "all"},
	"--lto-CGO":                          {"0", "2", "3"},
	"--lto-cs-profile-file=":             {"profdata"},
	"--lto-known-safe-vtables=":          {"_ZTV1A"},
	"--lto-newpm-passes=":                {"globaldce"},
	"--lto-O":                            {"0", "1", "2", "3"},
	"--lto-partitions=":                  {"2"},
	"--lto-sample-profile=":              {"profile"},
	"--lto=":                             {"thin"},
	"-L ":                                {"."},
	"-l ":                                {"other"},
	"--Map=":                             {"OUT/map"},
	"--mllvm=":                           {"-inline-threshold=0"},
	"-m ":                                {"elf_x86_64"},
	"--opt-remarks-filename ":            {"OUT/remarks"},
	"--opt-remarks-format ":              {"yaml"},
	"--opt-remarks-hotness-threshold=":   {"0"},
	"--opt-remarks-passes ":              {"inline"},
	"--orphan-handling=":                 {"place", "warn"},
	"-O ":                                {"0", "1", "2"},
	"--pack-dyn-relocs=":                 {"none", "relr"},
	"--package-metadata=":                {"{}"},
	"--plugin-opt=-":                     {"-inline-threshold=0", "function-sections=1"},
	"--plugin-opt=cs-profile-path=":      {"profdata"},
	"--plugin-opt=dwo_dir=":              {"OUT/dwo"},
	"--plugin-opt=jobs=":                 {"1"},
	"--plugin-opt=lto-partitions=":       {"2"},
	"--plugin-opt=obj-path=":             {"OUT/object"},
	"--plugin-opt=opt-remarks-filename=": {"OUT/remarks"},
	"--plugin-opt=opt-remarks-format=":   {"yaml"},
	"--plugin-opt=opt-remarks-hotness-threshold=": {"0"},
	"--plugin-opt=opt-remarks-passes=":            {"inline"},
	"--plugin-opt=O":                              {"2"},
	"--plugin-opt=sample-profile=":                {"profile"},
	"--plugin-opt=stats-file=":                    {"OUT/stats"},
	"--plugin-opt=thinlto-index-only=":            {"OUT/index"},
	"--plugin-opt=thinlto-object-suffix-replace=": {".o;.o"},
	"--plugin-opt=thinlto-prefix-replace=":        {"x;OUT/x"},
	"--plugin=":                                   {"/usr/lib/LLVMgold.so"},
	"--power10-stubs=":                            {"auto"},
	"--print-archive-stats=":                      {"OUT/stats", "-"},
	"--print-symbol-order=":                       {"OUT/order"},
	"--remap-inputs-file=":                        {"remap"},
	"--remap-inputs=":                             {"none.o=/dev/null", "helper.o=native.o"},
	"--reproduce=":                                {"OUT/r.tar"},
	"--retain-symbols-file=":                      {"order"},
	"--rpath=":                                    {"/lib"},
	"--rsp-quoting=":                              {"posix", "windows"},
	"-R ":                                         {"/lib"},
	"--save-temps=":                               {"prelink"},
	"--script=":                                   {"all.ld"},
	"--section-start=":                            {".data=0x800000"},
	"--shuffle-sections=":                         {".text*=1"},
	"--soname=":                                   {"lib.so"},
	"--sort-section=":                             {"name"},
	"--split-stack-adjust-size=":                  {"1"},
	"--symbol-ordering-file=":                     {"order"},
	"--sysroot=":                                  {"/"},
	"--target2=":                                  {"rel"},
	"--Tbss=":                                     {"0x900000"},
	"--Tdata=":                                    {"0x800000"},
	"--thinlto-cache-dir=":                        {"OUT/cache"},
	"--thinlto-cache-policy=":                     {"prune_after=1h"},
	"--thinlto-jobs=":                             {"1", "all"},
	"--thinlto-single-module=":                    {"main.o"},
	"--threads=":                                  {"1", "2"},
	"--time-trace-granularity=":                   {"1"},
	"--time-trace=":                               {"OUT/trace.json"},
	"--trace-symbol=":                             {"work"},
	"--Ttext=":                                    {"0x700000"},
	"-T ":                                         {"all.ld"},
	"--undefined-glob=":                           {"unus*"},
	"--undefined=":                                {"unused"},
	"--unresolved-symbols=":                       {"report-all", "ignore-all"},
	"-u ":                                         {"unused"},
	"--version-script=":                           {"version"},
	"--warn-backrefs-exclude=":                    {"*lib.a"},
	"--why-extract=":                              {"OUT/why", "-"},
	"--wrap=":                                     {"nothing"},
	"-y ":                                         {"work"},
	"-z ":                                         {"now", "max-page-size=4096", "noseparate-code"},
}

// notAlone are options that are wrong by themselves on x86-64, with what LLD says of them.
// ld.dtlto must say the same.
var notAlone = map[string]string{
	"-)":                      "stray --end-group",
	"--end-group":             "stray --end-group",
	"--end-lib":               "stray --end-lib",
	"--pop-state":             "unbalanced --push-state",
	"--auxiliary=lib.so":      "-f may not be used without -shared",
	"-f lib.so":               "-f may not be used without -shared",
	"--filter=lib.so":         "-F may not be used without -shared",
	"-F lib.so":               "-F may not be used without -shared",
	"--be8":                   "only supported on ARM",
	"--cmse-implib":           "only supported on ARM",
	"--in-implib=implib":      "cannot open implib",
	"--out-implib=OUT/implib": "only supported on ARM",
	"--execute-only":          "only supported on AArch64",
	"--fix-cortex-a53-843419": "only supported on AArch64",
	"--fix-cortex-a8":         "only supported on ARM",
	"--pcrel-optimize":        "only supported on PowerPC64",
	"--toc-optimize":          "only supported on PowerPC64",
	"--relax-gp":              "only supported on RISC-V",
	"--lto=thin":              "unified LTO compilation must use",
}

// notTried are options that the sweep does not try at all.
var notTried = map[string]string{
	"--load-pass-plugin=": "needs a plugin that was made for this LLVM; with another LLD crashes",
}

// reportsNames are options that print addresses, LTO's own objects or the program's name:
// other tests are about what they say.
var reportsNames = regexp.MustCompile(`^-(-help|-cref|-print-map|M|-trace-symbol=.*|y .*|-verbose|-print-gc-sections|-print-icf-sections|-lto-debug-pass-manager|-plugin-opt=debug-pass-manager)$`)

// TestStagedOptionSweep takes each option that LLD 19 has, alone, to a link of a small
// program. Whatever it does, it does with ld.dtlto too.
func TestStagedOptionSweep(t *testing.T) {
	s := newStaging(t, 19)
	sweepParts(s)
	for i, option := range sweepOptions(s) {
		name := strings.Join(option, " ")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			part := *s
			part.t = t
			part.sweep(strconv.Itoa(i), option, notAlone[name])
		})
	}
}

func sweepParts(s *staging) {
	freestanding := []string{"-ffreestanding", "-fno-builtin", "-fno-stack-protector", "-fno-pic", "-g"}
	bitcode := append([]string{"-flto=thin"}, freestanding...)
	s.compileAll(bitcode, []string{
		"start.o", tinyLibc[1] + tinyLibc[3] + tinyLibc[5],
		"main.o", `void print(const char *); int work(int); int helper(int); int main(void) { print("main\n"); return work(helper(1)); }`,
		"work.o", `int data[16] = {1, 2, 3}; int work(int n) { return data[n] + n; }`,
		"helper.o", `__attribute__((noinline)) int helper(int n) { return n; }`,
		"unused.o", `void print(const char *); __attribute__((constructor)) static void start(void) { print("unused\n"); } int unused;`,
	})
	s.compileAll(freestanding, []string{"native.o", `int helper(int n) { return n + 1; }`, "other.o", `int other;`})
	s.archive("lib.a", "start.o", "unused.o", "work.o")
	s.archive("libother.a", "other.o")
	s.write("dynamic", "{ work; };\n", "version", "{ global: main; local: *; };\n", "order", "main\n_start\n", "calls", "main work 10\n",
		"cs.proftext", ":csir\nmain\n742261418966908927\n1\n1\n",
		"remap", "none.o=/dev/null\n", "profile", "main:100:10\n 1: 10\n", "default.ld", script, "all.ld", script)
	llvmtest.Run(s.t, s.dir, s.tool("llvm-profdata"), "merge", "-o", "profdata", "cs.proftext")
}

const script = "SECTIONS { . = 0x500000; .text : { *(.text .text.*) } .data : { *(.data .data.*) } .bss : { *(.bss .bss.*) } }\n"

var (
	helpLine   = regexp.MustCompile(`^  (-\S+)( <\w+>)?(\s|$)`)
	helpChoice = regexp.MustCompile(`=(<[\w-]+>|\[.*\]|file|glob)$|<[\w-]+>(=.*)?$`)
)

// sweepOptions are the options of `ld.lld-19 --help` as words, with values.
func sweepOptions(s *staging) (all [][]string) {
	s.t.Helper()
	for line := range strings.Lines(llvmtest.Output(s.t, s.dir, s.tool("ld.lld"), "--help")) {
		m := helpLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		option, separate := m[1], m[2] != ""
		key := option
		if separate {
			key += " "
		} else if cut := helpChoice.FindStringIndex(option); cut != nil {
			key = strings.TrimSuffix(option[:cut[0]], "=")
			if strings.Contains(option[cut[0]:], "=") && !strings.HasPrefix(option[cut[0]:], "<") || strings.HasSuffix(option[:cut[0]], "=") {
				key += "="
			}
		} else {
			all = append(all, []string{option})
			continue
		}
		values := sweepValues[key]
		if len(values) == 0 && notTried[key] == "" {
			s.t.Errorf("no value to try for %q, from %q", key, option)
		}
		for _, value := range values {
			if separate {
				all = append(all, []string{option, value})
			} else {
				all = append(all, []string{key + value})
			}
		}
	}
	if len(all) < 250 {
		s.t.Errorf("only %d options", len(all))
	}
	return all
}

// sweep links both ways with an option. An option may keep the link in-process if
// dtlto says so; then all is as in-process but for that line.
func (s *staging) sweep(folder string, option []string, failure string) {
	want, wantErr := s.sweepLink(plainLLD, "lld"+folder, option)
	if (failure != "") != (wantErr != nil) || !strings.Contains(want.said, failure) {
		s.t.Fatalf("in-process: %v: LLD says %q", wantErr, want.said)
	}
	got, err := s.sweepLink(stagedLLD, "dtlto"+folder, option)
	if (err != nil) != (wantErr != nil) {
		s.t.Fatalf("%v: the link says %q", err, got.said)
	}
	_, programErr := os.Stat(want.file("program"))
	if rest, ok := cutInProcess(got.said); ok {
		s.t.Log(strings.TrimSpace(strings.TrimSuffix(got.said, rest)))
		got.said = rest
	} else if got.jobs <= 0 && programErr == nil {
		s.t.Errorf("not distributed: the link says %q", got.said)
	}
	s.wantSameFiles(want, got)
	if got.says() == want.says() {
		return
	}
	if !strings.Contains(want.said, "thinlto-index-only") { // --help
		wantNoStage(s.t, "the link", got.said)
	}
	if !reportsNames.MatchString(strings.Join(option, " ")) {
		s.t.Errorf("the link says\n%q\nin-process\n%q", got.says(), want.says())
	}
}

func cutInProcess(said string) (rest string, found bool) {
	line, rest, _ := strings.Cut(said, "\n")
	if !strings.HasPrefix(line, "ld.dtlto: warning: linking in-process: ") && !strings.HasPrefix(line, "ld.dtlto: not distributed: ") {
		return said, false
	}
	return rest, true
}

func (s *staging) wantSameFiles(want, got product) {
	s.t.Helper()
	notCache := func(all []string) []string { // LLD's own has nothing to keep; dtlto has one
		return slices.DeleteFunc(all, func(name string) bool { return name == "cache" })
	}
	if w, g := notCache(names(s.t, want.dir)), notCache(names(s.t, got.dir)); !slices.Equal(w, g) {
		s.t.Errorf("the link makes %q, in-process %q", g, w)
	}
	program := want.file("program")
	if info, err := os.Stat(program); err != nil || info.Mode()&0o100 == 0 || !isELF(s.t, program) {
		return
	}
	wantSameSymbols(s.t, program, got.file("program"))
	if w, g := s.run(program), s.run(got.file("program")); w != g {
		s.t.Errorf("the program prints\n%s\nin-process\n%s", g, w)
	}
}

// sweepLink runs the linker itself.
func (s *staging) sweepLink(l linker, folder string, option []string) (product, error) {
	s.t.Helper()
	p := product{dir: s.path(folder), jobs: -1}
	if err := errors.Join(os.RemoveAll(p.dir), os.Mkdir(p.dir, 0o755)); err != nil {
		s.t.Fatal(err)
	}
	program, words := s.tool("ld.lld"), []string{"-L.", "-o", folder + "/program"}
	if l.flag == "-fuse-ld=dtlto" {
		program = filepath.Join(bin, "ld.dtlto")
		words = append(words, "--dtlto-lld="+s.tool("ld.lld"))
	}
	for _, word := range option {
		words = append(words, strings.ReplaceAll(word, "OUT", folder))
	}
	cmd := exec.Command(program, append(words, "main.o", "helper.o", "lib.a")...)
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), l.env...)
	out, err := cmd.CombinedOutput()
	p.takeSummary(string(out))
	return p, err
}
