// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package lld

var syntheticLinks = []syntheticLink{
	{name: "objects", files: "thin main.o main a b\nnative a.o a\nthin sub/b.o b", args: "-e main main.o a.o sub/b.o"},
	{name: "archives", files: `thin main.o main a b
		thin a.o a c
		native b.o b d
		thin c.o c
		native d.o d
		native e.o e
		thin f.o f
		ar lib/x.a f.o d.o c.o b.o a.o e.o`, args: "-e main main.o lib/x.a"},
	{name: "archive first", files: `thin main.o main a b
		thin a.o a c
		native b.o b d
		thin c.o c
		native d.o d
		ar x.a d.o c.o b.o a.o`, args: "-e main x.a main.o"},
	{name: "thin archive", files: `thin main.o main a b
		thin sub/a.o a c
		native sub/b.o b d
		thin c.o c
		native d.o d
		native e.o e
		thinar lib/x.a c.o sub/b.o d.o sub/a.o e.o`, args: "-e main main.o lib/x.a"},
	{name: "thin archive of natives whole", files: `thin main.o main
		native sub/b.o b
		native d.o d
		thinar lib/x.a sub/b.o d.o`, args: "-e main main.o --whole-archive lib/x.a"},
	{name: "above", files: `thin work/main.o main a b
		thin a.o a c
		native b.o b
		native c.o c
		thin e.o d
		ar lib/x.a a.o b.o c.o
		ar lib/y.a e.o`, args: "-e main main.o ../lib/x.a -L../lib -l:y.a ../e.o"},
	{name: "alternating archives", files: `thin main.o main a
		thin a.o a b
		native b.o b c
		thin c.o c d
		native d.o d e
		thin e.o e
		ar x.a a.o c.o e.o
		ar y.a b.o d.o`, args: "-e main main.o x.a y.a"},
	{name: "same names", files: `thin main.o main a b
		thin 1/m.o a
		thin 2/m.o b
		thin 3/m.o c
		ar x.a 3/m.o 1/m.o 2/m.o`, args: "-e main main.o x.a"},
	{name: "same names, native and whole", files: `thin main.o main a b
		native 1/m.o a
		thin 2/m.o b
		native 3/m.o c
		ar x.a 3/m.o 1/m.o 2/m.o`, args: "-e main main.o --whole-archive x.a"},
	{name: "same names, native and lazy", files: `thin main.o main a b
		native 1/m.o a
		native 2/m.o b
		ar x.a 1/m.o 2/m.o`, args: "-e main main.o x.a", why: "one of several members of that name"},
	{name: "start-lib", files: `thin main.o main a
		thin a.o a b
		native b.o b
		native c.o c
		thin d.o d`, args: "-e main main.o --start-lib d.o c.o b.o a.o --end-lib"},
	{name: "whole", files: `thin main.o main a
		thin a.o a b
		native b.o b
		native c.o c
		thin d.o d
		ar x.a a.o b.o
		ar y.a b.o c.o
		ar z.a d.o`, args: "-shared main.o --whole-archive z.a x.a --no-whole-archive y.a"},
	{name: "whole native", files: `thin main.o main b
		native b.o b
		native c.o c
		ar lib/y.a b.o c.o`, args: "-shared main.o --whole-archive lib/y.a --no-whole-archive"},
	{name: "search", files: `thin main.o main a b c
		so 1/liba.so a liba.so.1
		thin a.o a
		ar 1/liba.a a.o
		thin b.o b
		so 2/libb.so b
		ar 1/libb.a b.o
		so 2/libc.so c`, args: "-e main main.o -L1 -L2 -Bstatic -la -Bdynamic -lb -lc"},
	{name: "no DT_SONAME", files: `thin main.o main a b c d
		so 1/liba.so a
		so 1/libb.so b
		so 1/libc.so c x.so
		so libd.so d`, args: "-e main main.o 1/liba.so -L1 -lb -l:libc.so libd.so"},
	{name: "as-needed", files: `thin main.o main a c
		so liba.so a liba.so
		so libb.so b libb.so
		so libc.so c libc.so
		so libd.so d libd.so
		so libe.so e`, args: "-e main main.o --as-needed libb.so --push-state --no-as-needed libd.so --pop-state liba.so libe.so --no-as-needed libc.so --as-needed"},
	{name: "a shared library twice", files: `thin main.o main a
		so liba.so a liba.so`, args: "-e main --as-needed liba.so main.o -L. -la --no-as-needed liba.so"},
	{name: "script", files: `thin main.o main a b c
		text liba.so /* GNU ld script */ OUTPUT_FORMAT(elf64-x86-64) GROUP ( reala.so b.a AS_NEEDED ( libd.so -lc ) )
		so reala.so a
		thin b.o b
		native e.o e
		ar b.a b.o e.o
		so libc.so c libc.so
		so libd.so d libd.so`, args: "-e main main.o -L. -la"},
	{name: "script in a folder", files: `thin main.o main a b c
		text lib/liba.so INPUT(./a.o sub/b.a -lc "d d.o")
		text lib/libc.so GROUP(reala.so)
		so lib/reala.so c
		thin lib/a.o a
		thin b.o b
		native|lib/d d.o|d
		ar lib/sub/b.a b.o`, args: "-e main main.o -Llib -la"},
	{name: "script found by search", files: `thin main.o main a
		text s INPUT(reala.so)
		so lib/reala.so a`, args: "-e main main.o -Llib s"},
	{name: "deplibs", files: `thin main.o main a lib:one
		native a.o a b c lib:two lib:three
		thin 1.o b
		native 2.o c
		native 3.o d
		ar libone.a 1.o 3.o
		ar libtwo.a 2.o
		so libthree.so e libthree.so`, args: "-e main main.o a.o -L."},
	{name: "deplibs under options", files: `thin main.o main a
		native a.o a b c d lib:one lib:three lib:four
		thin 1.o b
		native 2.o x
		ar libone.a 1.o 2.o
		so libthree.so c libthree.so
		so libfour.so e libfour.so
		so libfive.so d libfive.so`, args: "-e main main.o a.o -L. --no-as-needed libfive.so --as-needed --whole-archive"},
	{name: "deplib without DT_SONAME", files: `thin main.o main a lib:one
		so libone.so a`, args: "-e main main.o -L.", why: "is a shared library without a name"},
	{name: "system root", files: `thin main.o main a b c
		text S/lib/liba.so INPUT(/lib/a.o =/lib/b.o ./c.o)
		thin S/lib/a.o a
		native S/lib/b.o b
		thin S/lib/c.o c`, args: "-e main main.o --sysroot=S/ -L=/lib -la"},
	{name: "no -n any more", files: `thin main.o main a
		so liba.so a liba.so
		native a.o a
		ar liba.a a.o`, args: "-e main main.o -n --no-nmagic -L. -la --no-omagic"},
	{name: "-n in front", files: `thin main.o main a
		so liba.so a`, args: "-e main -n main.o -Bdynamic -L. -la"},
	{name: "a script with more", files: `thin main.o main a
		text liba.so INPUT(a.o) ENTRY(a)
		thin a.o a`, args: "-e main main.o liba.so", why: "names inputs and does more"},
	{name: "folders in a script", files: `thin main.o main a
		thin sub/a.o a
		text t SECTIONS { .text : { *sub/a.o(.text*) *(.text*) } }`, args: "-e main main.o sub/a.o -T t", why: "by their folders"},
	{name: "excluded folders in a script", files: `thin main.o main
		text t SECTIONS { .text : { *(EXCLUDE_FILE(*sub/a.o) .text*) } }`, args: "-e main main.o t", why: "by their folders"},
	{name: "harmless slashes in a script", files: `thin main.o main
		text t SECTIONS { . = 4096 / (2) ; .text : { *(.text*) } /DISCARD/ : { *(.comment) } }`, args: "-e main main.o t"},
	{name: "folders of libraries in a script", files: `thin main.o main a
		text t SEARCH_DIR(lib)
		thin lib/a.o a
		ar lib/liba.a lib/a.o`, args: "-e main main.o t -la", why: "says where libraries are"},
	{name: "remapped", files: `thin main.o main a
		thin a.o a`, args: "-e main main.o b.o --remap-inputs=b.o=a.o", since: 17, why: "other names in steps"},
	{name: "data and object", files: `thin main.o main a
		native a.o a`, args: "-e main main.o --format=binary a.o --format=elf a.o", why: "as two different things"},
	{name: "a file called like a member", files: `thin|main.o|main|a
		thin|a.o|a
		ar|x.a|a.o
		text|x.a(a.o)|x`, args: "-e main main.o x.a", why: "could be a member"},
	{name: "commons", files: `thin main.o main a
		native a.o a
		ar x.a a.o`, args: "-e main x.a main.o"},
	{name: "fat", files: `fat main.o main a b
		fat a.o a
		fat b.o b
		fat c.o c
		native d.o d
		ar x.a b.o c.o d.o`, args: "-e main --fat-lto-objects main.o a.o x.a", since: 17},
	{name: "fat as native", files: `thin main.o main a b
		fat a.o a
		fat b.o b
		fat c.o c
		ar x.a b.o c.o`, args: "-e main main.o a.o x.a", since: 17},
	{name: "full", files: `thin main.o main a b
		full a.o a
		full b.o b c
		thin c.o c
		full d.o d
		ar x.a a.o b.o c.o`, args: "-e main main.o d.o x.a"},
	{name: "thin in parts", files: `thin main.o main a
		thin a.o a`, args: "-e main main.o a.o --lto-partitions=2"},
	{name: "split", files: `split main.o main a b
		split a.o a
		split b.o b
		ar x.a b.o`, args: "-e main main.o a.o x.a"},
	{name: "data", files: `thin main.o main a
		thin a.o a
		text data.txt hello`, args: "-e main main.o --format=binary data.txt --format=default a.o"},
	{name: "just symbols", files: `thin main.o main a
		native a.o a`, args: "-e main main.o --just-symbols=a.o"},
	{name: "version script", files: `thin main.o main a b
		thin a.o a
		native b.o b
		text v { global: main; local: *; };`, args: "-shared main.o a.o b.o --version-script=v"},
	{name: "layout script", files: `thin main.o main a b
		thin a.o a
		native b.o b
		ar x.a a.o b.o
		text t SECTIONS { .text : { *x.a:a.o(.text*) *(.text*) } }`, args: "-e main -T t main.o x.a"},
	{name: "response file", files: `thin main.o main a
		thin a.o a
		text r main.o a.o`, args: "-e main @r"},
	{name: "an archive twice", files: `thin main.o main a
		thin a.o a
		native b.o b
		ar x.a a.o b.o`, args: "-e main x.a main.o x.a"},
	{name: "empty archive", files: `thin main.o main
		ar x.a`, args: "-e main main.o x.a --whole-archive x.a"},
	{name: "archive with text", files: `thin main.o main a
		thin a.o a
		text t.txt this is no object
		native b.o b
		ar x.a t.txt a.o b.o`, args: "-e main main.o x.a", since: 15},
	{name: "odd names", files: `thin|main.o|main|a|b|c|d|e
		native|x(1).o|a
		thin|y z.o|b
		native|w.o at 86)|c
		thin|./-x.o|d
		thin|p(q).o|e
		ar|l (1).a|x(1).o|y z.o|w.o at 86)|p(q).o`, args: "-e|main|main.o|l (1).a|./-x.o"},
	{name: "member with its archive's name", files: `thin main.o main a
		thin x.a a
		ar 1/x.a x.a`, args: "-e main main.o 1/x.a", why: "has its archive's name"},
	{name: "relocatable", files: `thin main.o main a
		thin a.o a
		native b.o b
		ar x.a a.o b.o`, args: "-r main.o --whole-archive x.a"},
	{name: "exclude-libs", files: `thin main.o main a b c
		thin a.o a
		native b.o b
		native c.o c
		ar x.a a.o b.o
		ar y.a c.o`, args: "-shared main.o x.a y.a --exclude-libs=x.a"},
	{name: "exclude-libs and regular LTO elsewhere", files: `thin main.o main a b
		full a.o a
		native b.o b
		ar x.a a.o
		ar y.a b.o`, args: "-shared main.o x.a y.a --exclude-libs=y.a"},
	{name: "exclude-libs and regular LTO", files: `thin main.o main a
		full a.o a
		ar x.a a.o`, args: "-shared main.o x.a --exclude-libs=ALL", why: "--exclude-libs"},
	{name: "exclude-libs and split units", files: `thin main.o main a
		split a.o a
		ar x.a a.o`, args: "-shared main.o x.a --exclude-libs=y.a:x.a", why: "--exclude-libs"},
}
