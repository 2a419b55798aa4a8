#!/usr/bin/env bash
# libraries.sh DIRECTORY: makes the static libraries that Debian does not have, from Debian's own sources, into
# DIRECTORY: libfmt.a, and a libssh.a that does not want Kerberos, of which there is no static library. Nothing is done
# for one that is there already. The sources are fetched with a list of their own: the host's stays as it is.
set -euo pipefail
directory=$1
mkdir -p "$directory"
cd "$directory"
prefix=$PWD

# shellcheck disable=SC1091
. /etc/os-release

# fetch_list CODENAME: that Debian's, from the mirrors that this host's own packages come from.
fetch_list() {
  [[ ! -d apt/$1/lists ]] || return 0
  mkdir -p "apt/$1/lists/partial" "apt/$1/cache/archives/partial"
  apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
    sed -nE "s/^Debian (\\S+) $VERSION_CODENAME(\\S*)\$/deb-src \\1 $1\\2 main/p" | sort -u >"apt/$1/sources.list"
  with_list "$1" apt-get -q update
}

# with_list CODENAME COMMAND...
with_list() {
  local apt=$prefix/apt/$1
  "$2" -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$apt/lists" \
    -o Dir::Cache="$apt/cache" -o APT::Sandbox::User= -o Debug::NoLocking=true "${@:3}"
}

# fetch_source SOURCE CODENAME: the newest version that can be fetched. Should that not be the newest that there is, it
# says so: the older one lacks fixes.
fetch_source() {
  local name=$1 codename=$2 version newest=
  fetch_list "$codename"
  while read -r version; do
    newest=${newest:-$version}
    if with_list "$codename" apt-get -q source --download-only "$name=$version"; then
      [[ $version == "$newest" ]] || echo "warning: $name $newest cannot be fetched: $version is used" >&2
      dpkg-source --no-check -x "${name}_${version#*:}.dsc" "$name-source"
      return
    fi
  done < <(with_list "$codename" apt-cache showsrc "$name" | sed -n 's/^Version: //p' | sort -rVu)
  echo "libraries.sh: the source of $name cannot be fetched" >&2
  exit 1
}

# library FILE SOURCE CODENAME CMAKE-OPTION...
library() {
  local file=$1 name=$2
  [[ ! -f lib/$file ]] || return 0
  rm -rf "$name-source" "$name-build"
  fetch_source "$name" "$3"
  cmake -S "$name-source" -B "$name-build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
    -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib \
    -DCMAKE_C_FLAGS="$(dpkg-buildflags --get CFLAGS) $(dpkg-buildflags --get CPPFLAGS)" \
    -DCMAKE_CXX_FLAGS="$(dpkg-buildflags --get CXXFLAGS) $(dpkg-buildflags --get CPPFLAGS)" "${@:4}"
  cmake --build "$name-build" --parallel "$(nproc)"
  cmake --install "$name-build"
}

library libfmt.a fmtlib "$VERSION_CODENAME" -DFMT_TEST=OFF -DFMT_DOC=OFF
# Debian 13's, whatever Debian this is: its security fixes are there as sources, and Debian 12's are not.
library libssh.a libssh trixie -DWITH_GSSAPI=OFF -DWITH_SFTP=OFF -DWITH_EXAMPLES=OFF -DUNIT_TESTING=OFF
