#!/usr/bin/env bash
# package.sh EXE VERSION OUTPUT: packs apdepot.exe as OUTPUT/apdepot-VERSION-windows-x86_64.zip, -setup.exe and .msi. Two
# packings give the same bytes: each time in them is the last commit's, each number is made of what is packed.
set -euo pipefail
here=$(dirname "$0") exe=$1 version=$2 output=$3
name=apdepot-$version-windows-x86_64
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
files=$staging/$name
mkdir -p "$files" "$output"
output=$(realpath "$output")

x86_64-w64-mingw32-strip --enable-deterministic-archives -o "$files/apdepot.exe" "$exe"
# With the ends of lines that every editor of Windows shows.
sed 's/$/\r/' "$here/README.txt" >"$files/README.txt"
sed 's/$/\r/' "$here/../../LICENSE" >"$files/LICENSE.txt"
touch -d "@$SOURCE_DATE_EPOCH" "$files"/* "$files"

rm -f "$output/$name".zip "$output/$name"-setup.exe "$output/$name".msi
(cd "$staging" && TZ=UTC zip -q -X -9 -r "$output/$name.zip" "$name"/*)

makensis -V2 -NOCD "-DVERSION=$version" "-DFILES=$files" "-DOUT=$output/$name-setup.exe" "$here/apdepot.nsi" >&2

# uuid WORD...: the same for the same words.
upgrade=6f0c2a54-9d55-4c1b-8b1f-2a8d5a0b6c77
uuid() { python3 -c 'import sys, uuid; print(uuid.uuid5(uuid.UUID(sys.argv[1]), " ".join(sys.argv[2:])))' "$upgrade" "$@"; }
# wixl writes the time of day and a number of its own into the summary.
TZ=UTC faketime -f "@$(date -u -d "@$SOURCE_DATE_EPOCH" '+%Y-%m-%d %H:%M:%S')" wixl -a x64 -D "VERSION=$version" \
  -D "FILES=$files" -D "UPGRADE=$upgrade" -D "PRODUCT=$(uuid product "$version")" -o "$output/$name.msi" "$here/apdepot.wxs" >&2
code=$(uuid package "$(cat "$files"/* | sha256sum)" "$(sha256sum <"$here/apdepot.wxs")")
msibuild "$output/$name.msi" -s "apdepot" "apdepot" "x64;1033" "{${code^^}}"
printf '%s\n' "$output/$name".zip "$output/$name"-setup.exe "$output/$name".msi
