#!/usr/bin/env bash
# libraries.sh DIRECTORY: makes the static libraries that Debian does not have, from Debian's own sources, into
# DIRECTORY: libfmt.a, and a libssh.a that does not want Kerberos, of which there is no static library. Nothing is done
# for one that is there already.
set -euo pipefail
# shellcheck source=packaging/debian_sources.sh
. "$(dirname "$0")/../debian_sources.sh"
directory=$1
mkdir -p "$directory"
cd "$directory"
prefix=$PWD

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
