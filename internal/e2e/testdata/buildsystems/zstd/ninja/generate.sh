#!/bin/sh
# usage: generate.sh LLVM    writes build.ninja for the C files of this folder
set -eu
exec >build.ninja.new
echo "llvm = $1"
echo "include rules.ninja"
members='' indexes='' objects=''
for source in *.c; do
	name=${source%.c}
	echo "build bc/$name.o: cc $source"
	if [ "$name" = main ]; then
		object=obj/main.o module=bc/main.o
	else
		object=obj/libzstd.a.d/$name.o module=obj/libzstd.a.d/$name.o.bc
		members="$members bc/$name.o" indexes="$indexes $module"
	fi
	echo "build $object: backend $module | $object.thinlto.bc || program.dd"
	indexes="$indexes $object.thinlto.bc" objects="$objects $object"
done
echo "build bc/libzstd.a: archive$members"
echo "build program.map |$indexes: thinlink | bc/main.o bc/libzstd.a"
echo "build program: finallink program.map |$objects"
echo "default program"
cmp -s build.ninja.new build.ninja && rm build.ninja.new || mv build.ninja.new build.ninja
