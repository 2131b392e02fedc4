#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Makes what packages have beside the programs: manual pages, what shells complete
# with, and the licences of all that is linked into the programs. Needs Go and git. The
# same commit gives the same bytes.
#
# usage: extras.sh FOLDER
set -eu
umask 022
cd "$(dirname "$0")/.."
out=${1:?usage: extras.sh FOLDER}
go=${GO:-go}
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}

rm -rf "$out"
mkdir -p "$out/man/man1" "$out/completions"
$go run ./packaging/man -date "$(date -u -d "@$epoch" +%Y-%m-%d)" "$out/man/man1"
ln -s dtlto.1 "$out/man/man1/dtlto-remote.1"
$go run ./cmd/dtlto completion bash >"$out/completions/dtlto.bash"
$go run ./cmd/dtlto completion zsh >"$out/completions/_dtlto"
$go run ./cmd/dtlto completion fish >"$out/completions/dtlto.fish"

# modules: each module in the programs of any system, and each folder of its packages.
modules() {
	for os in linux darwin windows; do
		GOOS=$os $go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{"\n"}}{{.Path}} {{.Version}} {{$.Dir}}{{end}}{{end}}' ./cmd/...
	done | sort -u | grep .
}

# licences FOLDER: the files there that say what may be done with it.
licences() {
	find "$1" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'notice*' -o -iname 'patents*' \) ! -name '*.go' | sort
}

# chapter NAME FILE...: a part of the text.
chapter() {
	printf '%s\n\n' "==== $1"
	shift
	for file; do cat "$file"; echo; done
}

list=$(mktemp)
trap 'rm -f "$list"' EXIT INT TERM
modules >"$list"
{
	printf '%s\n\n' 'The programs contain the following beside dtlto itself.'
	chapter 'Go, its library and its runtime' "$($go env GOROOT)/LICENSE"
	while read -r module version folder; do
		licences "$folder" | while read -r file; do chapter "$module $version: ${file##*/}" "$file"; done
	done <"$list"
} >"$out/THIRD-PARTY.txt"

cut -d' ' -f1 "$list" | sort -u | while read -r module; do
	if ! grep -q "^==== $module v.*: [LC]" "$out/THIRD-PARTY.txt"; then
		echo "extras: $module: has no file with its licence" >&2
		exit 1
	fi
done
