#!/usr/bin/env bash
# package.sh BUILD VERSION OUTPUT: packs what meson built in BUILD as OUTPUT/apdepot-VERSION-linux-ARCH.tar.xz: the one
# binary, the manual, the completion, and the units of systemd. Two packings give the same bytes.
set -euo pipefail
build=$1 version=$2 output=$3
name=apdepot-$version-linux-$(uname -m)
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT

DESTDIR=$staging/installed meson install -C "$build" --no-rebuild --quiet
mkdir -p "$staging/$name"
cp -r "$staging"/installed/usr/local/. "$staging/$name/"
strip "$staging/$name/bin/apdepot"
cp -r packaging/systemd "$staging/$name/"
sed -i 's|/usr/bin/apdepot|/usr/local/bin/apdepot|' "$staging/$name"/systemd/*
cp LICENSE packaging/static/INSTALL "$staging/$name/"
# shellcheck disable=SC2046  # names with wildcards, a line each
cp --parents $(cat packaging/debian/apdepot.docs) "$staging/$name/"
# Every key is a comment, so that a newer program brings its newer defaults.
sed -E 's/^( *[^ #])/#\1/' conf/apdepot.yaml >"$staging/$name/apdepot.yaml"
if readelf -d "$staging/$name/bin/apdepot" | grep -q NEEDED; then
  echo "package.sh: the binary is not static" >&2
  exit 1
fi
mkdir -p "$output"
tar --sort=name --owner=0 --group=0 --numeric-owner --mode=u+rw,go+r-w,a+X --mtime="@$(git log -1 --format=%ct)" \
  -C "$staging" -c "$name" | xz -9 -T1 >"$output/$name.tar.xz"
echo "$output/$name.tar.xz"
