#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Builds the Debian package: the programs with ld.dtlto where clang looks for it, manual
# pages, completion, documentation. Needs Go, git and dpkg-deb, not the machine that it
# is for. The same commit gives the same bytes.
#
# usage: deb.sh [amd64|arm64 [FOLDER]]    default: this machine's, build/deb
set -eu
umask 022
cd "$(dirname "$0")/.."
go=${GO:-go}
arch=${1:-$(dpkg --print-architecture)}
out=${2:-build/deb}
maintainer=${DEB_MAINTAINER:-dtlto maintainers <dtlto@users.noreply.github.com>}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

case $arch in
amd64 | arm64) ;; # Go has them under Debian's names
*)
	echo "deb: $arch: not an architecture that is released; amd64 and arm64 are" >&2
	exit 2
	;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
tree=$work/tree
share=$tree/usr/share
doc=$share/doc/dtlto
mkdir -p "$tree/DEBIAN" "$tree/usr/bin" "$share/man" "$share/lintian/overrides" "$doc/docs" "$out"

# As in .goreleaser.yaml.
CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOAMD64=v1 $go build -trimpath -buildvcs=auto -ldflags='-s -w' -o "$tree/usr/bin/" ./cmd/...
ln -s dtlto "$tree/usr/bin/ld.dtlto"

GO=$go scripts/extras.sh "$work/extras"
cp -R "$work/extras/man/man1" "$share/man/"
for page in dtlto.1 ld.dtlto.1; do gzip -9n "$share/man/man1/$page"; done
rm "$share/man/man1/dtlto-remote.1"
ln -s dtlto.1.gz "$share/man/man1/dtlto-remote.1.gz"
install -D -m 644 "$work/extras/completions/dtlto.bash" "$share/bash-completion/completions/dtlto"
install -D -m 644 "$work/extras/completions/_dtlto" "$share/zsh/vendor-completions/_dtlto"
install -D -m 644 "$work/extras/completions/dtlto.fish" "$share/fish/vendor_completions.d/dtlto.fish"

install -m 644 README.md LICENSE "$doc/"
gzip -9n <CHANGELOG.md >"$doc/changelog.gz"
install -m 644 docs/*.md "$doc/docs/"
if [ -e docs/events.schema.json ]; then install -m 644 docs/events.schema.json "$doc/docs/"; fi
install -D -m 644 -t "$doc/docs/decisions" docs/decisions/*.md
install -D -m 644 -t "$doc/docs/pictures" docs/pictures/*
install -m 644 "$work/extras/THIRD-PARTY.txt" "$doc/"
install -m 644 packaging/deb/copyright "$doc/copyright"
install -m 644 packaging/deb/lintian-overrides "$share/lintian/overrides/dtlto"

# Debian's version is the program's own: v1.2.3 is 1.2.3-1, what comes before it
# (v1.2.3-0.DATE-COMMIT) sorts before it.
version=$($go version -m "$tree/usr/bin/dtlto" | awk '$1 == "mod" { print $3 }')
case $version in
v*) version=$(echo "${version#v}" | sed 's/-/~/; s/-/./g')-1 ;;
*) version=0.0.0~devel-1 ;;
esac

gzip -9n <<END >"$doc/changelog.Debian.gz"
dtlto ($version) unstable; urgency=medium

  * What changed is in changelog.gz.

 -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
END

sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" -e "s/@MAINTAINER@/$maintainer/" \
	-e "s/@SIZE@/$(du -k -s --apparent-size "$tree/usr" | cut -f1)/" packaging/deb/control >"$tree/DEBIAN/control"
(cd "$tree" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"

# One thread: with more, xz makes other bytes on another machine.
dpkg-deb --root-owner-group --threads-max=1 -Zxz --build "$tree" "$out/dtlto_${version}_$arch.deb" >/dev/null
echo "$out/dtlto_${version}_$arch.deb"
