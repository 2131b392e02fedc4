// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package main

const linkerDescription = `ld.dtlto is a linker for programs of ThinLTO objects. It takes every option of
ld.lld and makes the program that ld.lld would make; the backend compiles of the
link are done outside the linker, in parallel, on this machine or on a cluster,
and only those whose result is not known from an earlier link.

Compilers call it: clang finds it as ld.dtlto on PATH when it is given
-fuse-ld=dtlto. Objects have to be ThinLTO bitcode (-flto=thin).

The ld.lld to link with, and the clang beside it, are those of the LLVM that the
link belongs to: by --dtlto-lld, else by the command line, by the clang that
called, by the bitcode, or by PATH, in this order. LLVM 13 and newer will do. LLD
22 and newer distributes links itself; for older ones ld.dtlto does the thin
link, the backends and the final link in steps.

A link without ThinLTO bitcode is ld.lld's own, and so is one of which ld.dtlto is
not sure that its program would be the same. With --dtlto-summary one line says
why.`

const linkerOptions = `All options of ld.lld and those below. Compilers pass them with -Wl,--dtlto-NAME=VALUE
(a value with a comma with -Xlinker). --help lists those of ld.lld, --dtlto-help
these.`

const stepOptions = `A build system that runs the backends itself links in steps, with every LLD (see
docs/build-systems.md):`

const linkerExit = `As ld.lld: 0 when the program is made, 1 when it is not; 130 when interrupted.`

const linkerExamples = `With a compiler, which has to be one that has an ld.lld:

  clang -flto=thin -fuse-ld=dtlto a.o b.o -o program

In builds:

  CC=clang CXX=clang++ cmake -S . -B build -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON \
    -DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=dtlto -DCMAKE_SHARED_LINKER_FLAGS=-fuse-ld=dtlto
  CC=clang CC_LD=dtlto meson setup build -Db_lto=true -Db_lto_mode=thin

With four compiles at once, a line of what was done, and a picture:

  clang -flto=thin -fuse-ld=dtlto *.o -o program \
    -Wl,--dtlto-jobs=4,--dtlto-summary,--dtlto-trace=trace.json`

// linkerPage is ld.dtlto(1).
func linkerPage(date string) string {
	p := begin([]string{"ld.dtlto"}, "link with ThinLTO, its backends in parallel or not again", date)
	p.heading("SYNOPSIS")
	p.macro("Nm", "clang")
	p.macro(usageWords("-flto=thin -fuse-ld=dtlto FILE... [-Wl,--dtlto-NAME=VALUE]...")...)
	p.macro("Nm", "ld.dtlto")
	p.macro(usageWords("[OPTION]... FILE...")...)
	p.heading("DESCRIPTION")
	p.prose(linkerDescription)
	p.heading("OPTIONS")
	p.prose(linkerOptions)
	settingSections(p, "dtlto-", everySetting)
	p.macro("Ss", argument("Links in steps"))
	p.prose(stepOptions)
	p.beginList()
	p.item(option("thinlto-index", "MAP")...)
	p.fill("Do the thin link only: write an index for each module, and to MAP which object takes the place of which input.")
	p.item(option("thinlto-prefix-replace", "OLD;NEW")...)
	p.fill("Where indexes and objects are: names that begin with OLD begin with NEW.")
	p.item(option("remap-inputs-file", "MAP")...)
	p.fill("Do the final link, with objects instead of modules; all other options are those of the thin link.")
	p.endList()
	environment(p)
	files(p)
	p.heading("EXIT STATUS")
	p.prose(linkerExit)
	p.heading("EXAMPLES")
	p.prose(linkerExamples)
	p.heading("SEE ALSO")
	p.macro("Xr", "clang", "1", ",")
	p.macro("Xr", "dtlto", "1", ",")
	p.macro("Xr", "ld.lld", "1")
	return p.String()
}
