#!/usr/bin/env bash
# libraries.sh DIRECTORY: makes the static libraries that Debian does not have, from Debian's own sources, into
# DIRECTORY: libfmt.a, and a libssh.a that does not want Kerberos, of which there is no static library. Nothing is done
# for one that is there already. The sources are fetched with a list of their own: the host's stays as it is.
set -euo pipefail
directory=$1
mkdir -p "$directory"
cd "$directory"
prefix=$PWD

fetch_list() {
  [[ ! -d apt/lists ]] || return 0
  mkdir -p apt/lists/partial apt/cache/archives/partial
  # shellcheck disable=SC1091
  . /etc/os-release
  cat >apt/sources.list <<LIST
deb-src http://deb.debian.org/debian $VERSION_CODENAME main
deb-src http://deb.debian.org/debian $VERSION_CODENAME-updates main
deb-src http://deb.debian.org/debian-security $VERSION_CODENAME-security main
LIST
  apt -q update
}

apt() {
  apt-get -o Dir::Etc::sourcelist="$prefix/apt/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::State::lists="$prefix/apt/lists" -o Dir::Cache="$prefix/apt/cache" -o APT::Sandbox::User= \
    -o Debug::NoLocking=true "$@"
}

# The newest version that can be fetched. Should that not be the newest that there is, it says so: the older one lacks
# fixes.
fetch_source() {
  local name=$1 version newest=
  fetch_list
  while read -r version; do
    newest=${newest:-$version}
    if apt -q source --download-only "$name=$version"; then
      [[ $version == "$newest" ]] || echo "warning: $name $newest cannot be fetched: $version is used" >&2
      dpkg-source --no-check -x "${name}_${version#*:}.dsc" "$name-source"
      return
    fi
  done < <(apt-cache -o Dir::Etc::sourcelist="$prefix/apt/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::State::lists="$prefix/apt/lists" -o Dir::Cache="$prefix/apt/cache" showsrc "$name" |
    sed -n 's/^Version: //p' | sort -rVu)
  echo "libraries.sh: the source of $name cannot be fetched" >&2
  exit 1
}

# library FILE SOURCE CMAKE-OPTION...
library() {
  local file=$1 name=$2
  [[ ! -f lib/$file ]] || return 0
  rm -rf "$name-source" "$name-build"
  fetch_source "$name"
  cmake -S "$name-source" -B "$name-build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
    -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib \
    -DCMAKE_C_FLAGS="$(dpkg-buildflags --get CFLAGS) $(dpkg-buildflags --get CPPFLAGS)" \
    -DCMAKE_CXX_FLAGS="$(dpkg-buildflags --get CXXFLAGS) $(dpkg-buildflags --get CPPFLAGS)" "${@:3}"
  cmake --build "$name-build" --parallel "$(nproc)"
  cmake --install "$name-build"
}

library libfmt.a fmtlib -DFMT_TEST=OFF -DFMT_DOC=OFF
library libssh.a libssh -DWITH_GSSAPI=OFF -DWITH_SFTP=OFF -DWITH_EXAMPLES=OFF -DUNIT_TESTING=OFF
