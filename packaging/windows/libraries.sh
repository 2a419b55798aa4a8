#!/usr/bin/env bash
# libraries.sh DIRECTORY: cross-builds the static libraries that apdepot links on Windows, from Debian's own sources, into
# DIRECTORY/{include,lib}, and writes DIRECTORY/prefix.ini for meson. Nothing is done for one that is there already.
# Debian 13's sources, where a fault would be a stranger's way in: their security fixes can be fetched.
set -euo pipefail
# shellcheck source=packaging/debian_sources.sh
. "$(dirname "$0")/../debian_sources.sh"
mkdir -p "$1/include" "$1/lib/pkgconfig"
cd "$1"
prefix=$PWD
target=x86_64-w64-mingw32
jobs=$(nproc)

# try_compile() reads this file too, and no -D of the command line. Without ws2_32 for libcrypto.a libssh's probes fail
# without a word, and chacha20 and the rest are compiled out.
cat >toolchain.cmake <<CMAKE
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER $target-gcc-posix)
set(CMAKE_CXX_COMPILER $target-g++-posix)
set(CMAKE_RC_COMPILER $target-windres)
set(CMAKE_FIND_ROOT_PATH /usr/$target $prefix)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_C_STANDARD_LIBRARIES "-lws2_32 -lcrypt32 -lbcrypt -lgdi32 -liphlpapi -lkernel32 -luser32 -lshell32 -lole32 -luuid -ladvapi32" CACHE STRING "" FORCE)
CMAKE

# configure NAME OPTION...: of a library that is built by cmake.
configure() {
  cmake -G Ninja -S "$1-source" -B "$1-build" -DCMAKE_TOOLCHAIN_FILE="$prefix/toolchain.cmake" \
    -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF "${@:2}"
}

# library FILE SOURCE CODENAME: builds it by make_SOURCE, unless it is there.
library() {
  [[ ! -f lib/$1 ]] || return 0
  echo "$2" >&2
  rm -rf "$2-source" "$2-build"
  # Apart, for bash ignores a failure in what has an `||`.
  (
    fetch_source "$2" "$3"
    "make_${2//-/_}"
  ) >"$2.log" 2>&1 &
  wait $! || {
    tail -n 30 "$2.log" >&2
    echo "libraries.sh: $2 cannot be built: see $prefix/$2.log" >&2
    exit 1
  }
}

make_zlib() {
  (
    cd zlib-source
    CHOST=$target CC=$target-gcc-posix AR=$target-ar RANLIB=$target-ranlib CFLAGS=-O2 ./configure --static --prefix="$prefix"
    make -j"$jobs" libz.a
    cp zlib.h zconf.h "$prefix/include"
    cp zlib.pc "$prefix/lib/pkgconfig"
    cp libz.a "$prefix/lib"
  )
}

make_xz_utils() {
  configure xz-utils -DXZ_NLS=OFF -DXZ_DOC=OFF -DXZ_THREADS=no -DENABLE_THREADS=no -DCREATE_XZ_SYMLINKS=OFF -DXZ_TOOL_XZ=OFF \
    -DXZ_TOOL_XZDEC=OFF -DXZ_TOOL_LZMADEC=OFF -DXZ_TOOL_LZMAINFO=OFF -DXZ_TOOL_SCRIPTS=OFF -DBUILD_TESTING=OFF
  ninja -C xz-utils-build -j"$jobs" liblzma
  cp -r xz-utils-source/src/liblzma/api/lzma.h xz-utils-source/src/liblzma/api/lzma include
  describe liblzma xz-utils "" -DLZMA_API_STATIC -llzma
  cp xz-utils-build/liblzma.a lib
}

# --openssldir is compiled in. 'C:/...' is not an absolute path for a Configure that runs on Linux, and /usr/... is a folder on
# Windows that any user may create; below /Windows only an administrator may.
make_openssl() {
  (
    cd openssl-source
    ./Configure mingw64 --cross-compile-prefix="$target-" --prefix="$prefix" --libdir=lib --openssldir=/Windows/apdepot-ssl \
      no-shared no-module no-tests no-legacy no-engine no-autoload-config no-dtls no-comp no-srp no-psk no-idea no-camellia \
      no-seed no-rc2 no-rc4 no-mdc2 no-whirlpool no-cms no-ts no-ct no-ocsp no-gost no-apps no-docs -D_WIN32_WINNT=0x0A00
    make -j"$jobs" build_generated
    make -j"$jobs" libcrypto.a libssl.a
    make install_dev
  )
  grep -q ws2_32 lib/pkgconfig/libcrypto.pc || sed -i 's/^Libs: .*/& -lws2_32 -lgdi32 -lcrypt32/' lib/pkgconfig/libcrypto.pc
}

# 0.11 compiles pki_get_engine() also where OpenSSL has no engines.
make_libssh() {
  if ! grep -q WITH_PKCS11_URI libssh-source/src/libcrypto.c; then
    sed -i -e '/^static ENGINE \*engine = NULL;/{s/^/#ifdef WITH_PKCS11_URI\n/;s/$/\n#endif/}' \
      -e '/^ENGINE \*pki_get_engine(void)/,/^}/{/^ENGINE/s/^/#ifdef WITH_PKCS11_URI\n/;/^}/s/$/\n#endif/}' \
      libssh-source/src/libcrypto.c
  fi
  configure libssh -DCMAKE_C_FLAGS=-DFD_SETSIZE=1024 -DWITH_GSSAPI=OFF -DWITH_ZLIB=OFF -DWITH_SERVER=ON -DWITH_SFTP=ON \
    -DWITH_PCAP=OFF -DWITH_EXAMPLES=OFF -DWITH_SYMBOL_VERSIONING=OFF -DWITH_NACL=OFF -DWITH_GEX=ON -DWITH_FIDO2=OFF \
    -DWITH_PKCS11_URI=OFF -DUNIT_TESTING=OFF -DGLOBAL_BIND_CONFIG=/Windows/none -DGLOBAL_CLIENT_CONFIG=/Windows/none \
    -DOPENSSL_ROOT_DIR="$prefix" -DOPENSSL_USE_STATIC_LIBS=ON
  grep -q '#define HAVE_OPENSSL_EVP_CHACHA20 1' libssh-build/config.h
  ninja -C libssh-build -j"$jobs" install
  describe libssh libssh libcrypto -DLIBSSH_STATIC "-lssh -liphlpapi -lws2_32 -lshell32"
}

# cmake 3.25.1 dies of SIGSEGV in try_run(ZLIB_WINAPI) unless its result is given.
make_libarchive() {
  configure libarchive -DENABLE_TEST=OFF -DENABLE_TAR=OFF -DENABLE_CPIO=OFF -DENABLE_CAT=OFF -DENABLE_UNZIP=OFF \
    -DENABLE_OPENSSL=OFF -DENABLE_MBEDTLS=OFF -DENABLE_NETTLE=OFF -DENABLE_LIBB2=OFF -DENABLE_LZ4=OFF -DENABLE_LZO=OFF \
    -DENABLE_LZMA=OFF -DENABLE_ZSTD=OFF -DENABLE_BZip2=OFF -DENABLE_LIBXML2=OFF -DENABLE_EXPAT=OFF -DENABLE_PCREPOSIX=OFF \
    -DENABLE_PCRE2POSIX=OFF -DENABLE_ICONV=OFF -DENABLE_WERROR=OFF -DZLIB_LIBRARY="$prefix/lib/libz.a" \
    -DZLIB_INCLUDE_DIR="$prefix/include" -DZLIB_WINAPI_EXITCODE=1 -DZLIB_WINAPI_EXITCODE__TRYRUN_OUTPUT=
  ninja -C libarchive-build -j"$jobs" archive_static
  cp libarchive-source/libarchive/archive{,_entry}.h include
  describe libarchive libarchive zlib -DLIBARCHIVE_STATIC "-larchive -lbcrypt"
  cp libarchive-build/libarchive/libarchive.a lib
}

# Its one source file is made by its own configure, for this machine.
make_sqlite3() {
  mkdir sqlite3-build
  (cd sqlite3-build && ../sqlite3-source/configure && make sqlite3.c)
  $target-gcc-posix -O2 -DSQLITE_THREADSAFE=1 -DSQLITE_DQS=0 -DSQLITE_OMIT_LOAD_EXTENSION -c sqlite3-build/sqlite3.c \
    -o sqlite3-build/sqlite3.o
  cp sqlite3-build/sqlite3.h include
  describe sqlite3 sqlite3 "" "" -lsqlite3
  $target-ar rcs lib/libsqlite3.a sqlite3-build/sqlite3.o
}

make_fmtlib() {
  configure fmtlib -DFMT_TEST=OFF -DFMT_DOC=OFF
  ninja -C fmtlib-build -j"$jobs" install
}

make_yaml_cpp() {
  configure yaml-cpp -DYAML_CPP_BUILD_TESTS=OFF -DYAML_CPP_BUILD_TOOLS=OFF -DYAML_BUILD_SHARED_LIBS=OFF
  ninja -C yaml-cpp-build -j"$jobs" install
}

# describe NAME SOURCE NEEDED CFLAGS LIBS: writes NAME.pc. Those of the sources forget that the library is static.
describe() {
  local version
  version=$(dpkg-parsechangelog -l "$2-source/debian/changelog" -S Version | sed -E 's/^[0-9]+://; s/[-+].*//')
  printf 'prefix=%s\n\nName: %s\nDescription: %s for Windows, static\nVersion: %s\nRequires: %s\nCflags: -I${prefix}/include %s\nLibs: -L${prefix}/lib %s\n' \
    "$prefix" "$1" "$1" "$version" "$3" "$4" "$5" >"lib/pkgconfig/$1.pc"
}

library libz.a zlib trixie
library liblzma.a xz-utils trixie
library libcrypto.a openssl trixie
library libssh.a libssh trixie
library libarchive.a libarchive trixie
library libsqlite3.a sqlite3 trixie
library libfmt.a fmtlib "$VERSION_CODENAME"
library libyaml-cpp.a yaml-cpp "$VERSION_CODENAME"

# Headers alone, by link: all of /usr/include would bring those of this system's C library.
ln -sfn /usr/include/boost include/boost
ln -sfn /usr/include/doctest include/doctest
printf "[constants]\nprefix = '%s'\n" "$prefix" >prefix.ini
