#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Makes the pictures in docs/ from real links of RE2 with Abseil by bin/ld.dtlto: what a
# terminal shows, by tmux, as text in docs/pictures and in the pages that quote it (a code
# block after a comment with the picture's name); and `dtlto report` in Chromium, as PNGs.
# `make build` goes before. Nothing of it is touched up by hand.
#
# The links are made in /tmp/me, a home folder of its own, so that paths are the same on
# every machine. It must not be there before, and is removed at the end.
set -eu

cd "$(dirname "$0")/.."
root=$PWD
pictures=$root/docs/pictures
home=/tmp/me
project=$home/re2

for tool in tmux chromium pngquant optipng clang++-22 ld.lld-22 llvm-ar-22; do
	if ! command -v "$tool" >/dev/null 2>&1; then
		echo "pictures: $tool is missing: apt-get install tmux chromium pngquant optipng clang-22 lld-22 llvm-22" >&2
		exit 1
	fi
done
if [ ! -x bin/ld.dtlto ]; then
	echo "pictures: bin/ld.dtlto is missing: make build makes it" >&2
	exit 1
fi
objects=$(go run ./scripts/pictures)
sources=$objects/../../src

mkdir "$home"
terminal() { tmux -S "$home/tmux" -f /dev/null "$@"; }
clean() {
	terminal kill-server 2>/dev/null || :
	rm -rf "$home"
}
trap clean EXIT
trap 'exit 1' INT TERM

# compile SOURCE OBJECT FLAG…: as internal/corpus does, but with warnings. Names are
# relative to the project.
compile() {
	source=$1 object=$2
	shift 2
	(cd "$project" && clang++-22 -O2 -flto=thin -std=c++20 -DNDEBUG -I../src/re2 -I../src/abseil-cpp "$@" -c "$source" -o "$object")
}

# prepare lays out the project: main.o, libre2.a and libabsl.a. The objects have their
# folders back, which the corpus has made a part of their names.
prepare() {
	mkdir -p "$home/bin" "$project" "$pictures"
	cp bin/dtlto bin/dtlto-remote "$home/bin"
	ln -s dtlto "$home/bin/ld.dtlto"
	cp -R "$sources/vendor" "$home/src"
	mkdir "$home/obj"
	(cd "$home/src" && find . -name '*.cc') | while read -r source; do
		name=$(echo "${source#./}" | sed 's|/|_|g; s|\.cc$|.o|')
		object=$home/obj/${source%.cc}.o
		if [ -e "$objects/$name" ]; then
			mkdir -p "${object%/*}"
			cp "$objects/$name" "$object"
		fi
	done
	cp "$objects/main.cc" "$project"
	compile main.cc main.o
	echo "PS1='\$ '" >"$home/.shrc"
	compile ../src/re2/re2/parse.cc ../obj/re2/re2/parse.o -Wframe-larger-than=300
	archives
}

archives() {
	(cd "$home/obj" && for library in re2 absl; do
		folder=$library
		[ $library = re2 ] || folder=abseil-cpp
		find $folder -name '*.o' | sort | xargs llvm-ar-22 rcD "$project/lib$library.a"
	done)
}

# window COLUMNS: a new terminal, with a shell that knows nothing of this machine.
window() {
	terminal kill-server 2>/dev/null || :
	sleep 0.2
	env -i HOME="$home" PATH="$home/bin:/usr/bin:/bin" LANG=C.UTF-8 ENV="$home/.shrc" TERM=xterm \
		tmux -S "$home/tmux" -f /dev/null new-session -d -x "$1" -y 50 -c "$project" 'exec sh'
	await '^\$$'
}

# await PATTERN: wait until the last line is like that, for a minute at most.
await() {
	tries=0
	until screen | tail -n 1 | grep -Eq "$1"; do
		tries=$((tries + 1))
		if [ $tries -gt 600 ]; then
			echo "pictures: no line like $1 in:" >&2
			screen >&2
			exit 1
		fi
		sleep 0.1
	done
}

# screen is what the terminal shows, without blanks at the ends of lines. Lines that it
# broke are whole.
screen() { terminal capture-pane -p -J | sed 's/ *$//' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'; }

enter() { terminal send-keys -l "$1" && terminal send-keys Enter; }

# picture NAME: keep what the terminal shows, without the prompt that waits at the end.
picture() { screen | sed '${/^\$$/d;}' >"$pictures/$1.txt"; }

# show NAME COMMAND…: a picture of commands that have ended.
show() {
	name=$1
	shift
	window 100
	for command; do
		enter "$command"
		sleep 0.5
		await '^\$$'
	done
	picture "$name"
}

link='clang++-22 -flto=thin -fuse-ld=dtlto main.o libre2.a libabsl.a -o program'

# status shows one link, the first, in terminals of three widths: the window changes its
# size meanwhile. Eight compiles run at a time, on whatever machine this is: with fewer
# processors they take longer, and have their names in the line. The moment is after the
# compiler's warning, when there are two names, or a little after the first.
status() {
	window 120
	enter ' export DTLTO_JOBS=8; clear'
	sleep 1
	enter "$link"
	named=0
	until [ $named -gt 10 ]; do
		if screen | grep -q '^1 warning generated' && screen | tail -n 1 | grep -Eq ' left,.* running: '; then
			named=$((named + 1))
			! screen | tail -n 1 | grep -q ': .*, ' || break
		elif screen | tail -n 1 | grep -q '^\$$'; then
			echo 'pictures: the machine is so fast that no compile had its name in the status line' >&2
			exit 1
		fi
		sleep 0.1
	done
	picture status-120
	for width in 80 40; do
		terminal resize-window -x $width
		sleep 0.25
		screen | tail -n 1 >"$pictures/status-$width.txt"
	done
	await '^\$$'
}

# quieten begins anew, without the warning and with all results still to be made.
quieten() {
	compile ../src/re2/re2/parse.cc ../obj/re2/re2/parse.o
	archives
	rm -rf "$home/.cache" "$project/program"
}

# edit changes a function of RE2's that others import.
edit() {
	sed -i 's/^void Prog::Inst::InitNop.*/&\n  hint_foldcase_ = 0;/' "$home/src/re2/re2/prog.cc"
	compile ../src/re2/re2/prog.cc ../obj/re2/re2/prog.o
	archives
}

# shrink PNG…: fewer colours, which flat pictures do not miss, and better compression.
shrink() {
	for file; do
		pngquant --force --skip-if-larger --quality 80-100 --output "$file" "$file" || [ $? -eq 98 ]
		optipng -quiet -strip all "$file"
	done
}

# quote PAGE: put the pictures into the page's code blocks that follow their names.
quote() {
	awk -v folder="$pictures" '
		!inside { print }
		/^<!-- pictures\/.*\.txt -->$/ { file = folder "/" substr($2, 10) }
		/^```/ && inside { inside = 0; print; next }
		/^```/ && file != "" {
			while ((status = (getline line < file)) > 0) print line
			if (status < 0) { print "pictures: " file " cannot be read" >"/dev/stderr"; exit 1 }
			close(file); file = ""; inside = 1
		}' "$1" >"$home/page"
	cat "$home/page" >"$1"
}

prepare
status
quieten
show summary "DTLTO_SUMMARY=1 $link"
edit
show stats "DTLTO_STATS=1 $link"
show explain 'dtlto explain program | head -n 4' "dtlto explain program 'libre2.a(compile.o)'"
show report 'dtlto report program'
show inspect 'dtlto inspect main.o' 'dtlto inspect libre2.a | head -n 6' 'dtlto inspect program'
show doctor 'dtlto doctor'
show relink "DTLTO_SUMMARY=1 $link"
rm -f "$pictures"/report-*.png
DTLTO_TEST_REPORT=$project/program.report.html DTLTO_TEST_PICTURES=$pictures \
	go test -count=1 -run '^TestReportPictures$' ./internal/report/page
shrink "$pictures"/report-*.png
quote docs/reports.md
ls -l "$pictures"
