#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs with apt-get what the demo, the tests and the benchmarks run: LLVM 22,
# 19, 16, 15, 14 and 13, a C and C++ library, npm for the RE2 sources, and the build systems
# that the tests put dtlto into. A fresh Debian 12 with Go, make and git is
# enough to start from. Says nothing and takes no time when nothing is missing.
#
# usage: install-toolchain.sh [demo]    "demo": only what `make demo` needs
set -eu

packages=''

# need COMMAND-OR-FILE PACKAGE: PACKAGE is wanted if COMMAND-OR-FILE is not there.
# Commands are asked for, not packages, so that a machine which has them from
# elsewhere is left as it is.
need() {
	case $1 in
	/*) [ -e "$1" ] && return 0 ;;
	*) command -v "$1" >/dev/null 2>&1 && return 0 ;;
	esac
	packages="$packages $2"
}

need clang-22 clang-22
need ld.lld-22 lld-22
need llvm-ar-22 llvm-22
need /usr/include/c++/12/vector libstdc++-12-dev
need /usr/include/stdio.h libc6-dev
need npm npm

case ${1:-all} in
all | demo) ;;
*)
	echo "install-toolchain: $1: not a set of packages; the only one by name is demo" >&2
	exit 2
	;;
esac

if [ "${1:-all}" != demo ]; then
	need clang-19 clang-19
	need ld.lld-19 lld-19
	need llvm-ar-19 llvm-19
	need clang-16 clang-16
	need ld.lld-16 lld-16
	need llvm-ar-16 llvm-16
	need clang-14 clang-14
	need ld.lld-14 lld-14
	need llvm-bcanalyzer-14 llvm-14
	need /usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.profile-x86_64.a libclang-rt-14-dev
	need /usr/lib/llvm-22/lib/clang/22/lib/linux/libclang_rt.profile-x86_64.a libclang-rt-22-dev
	need gcc gcc # cgo, which Go's race detector needs
	need cmake cmake
	need ninja ninja-build
	need /usr/bin/rustc rustc # of LLVM 14
	need /usr/bin/cargo cargo
	need meson meson
	need pkg-config pkg-config
	need autoconf autoconf
	need automake automake
	need libtoolize libtool
	need bazel-4 bazel-bootstrap
	need hyperfine hyperfine
	for version in 13 15; do # staged links' oldest, and one in between
		need clang-$version clang-$version
		need ld.lld-$version lld-$version
		need llvm-ar-$version llvm-$version
	done
	need mksquashfs squashfs-tools # images of file systems, mounted by tests that run as root
	need mkfs.erofs erofs-utils
	need /lib/ld-musl-x86_64.so.1 musl # another C library, for compilers that are sent to workers
	need pgrep procps
	need mandoc mandoc
	need /usr/share/bash-completion/bash_completion bash-completion
	need chromium chromium # reports are opened in it
fi

[ -n "$packages" ] || exit 0

sudo=''
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "install-toolchain: missing:$packages" >&2
		echo "install-toolchain: neither root nor sudo: install these by hand" >&2
		exit 1
	fi
	sudo=sudo
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT INT TERM

# quietly COMMAND…: its output is shown only if it fails.
quietly() {
	if ! "$@" >"$log" 2>&1; then
		cat "$log" >&2
		echo "install-toolchain: failed: $*" >&2
		exit 1
	fi
}

echo "install-toolchain: installing$packages" >&2
quietly $sudo apt-get -q update
# shellcheck disable=SC2086 # the list of packages is meant to be split
quietly $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $packages
