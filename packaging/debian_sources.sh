# shellcheck shell=bash
# Fetches Debian's own sources, of any release, with lists of its own below apt/ in the current directory: those of the
# host stay as they are. To be sourced; `prefix` is the current directory.

# shellcheck disable=SC1091
. /etc/os-release

# fetch_list CODENAME: that Debian's, from the mirrors that this host's own packages come from. The archive itself stands
# before the one of security fixes, which lists also what it does not serve.
fetch_list() {
  [[ ! -d apt/$1/lists ]] || return 0
  mkdir -p "apt/$1/lists/partial" "apt/$1/cache/archives/partial"
  apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
    sed -nE "s/^Debian (\\S+) $VERSION_CODENAME(\\S*)\$/deb-src \\1 $1\\2 main/p" |
    LC_ALL=C sort -ur >"apt/$1/sources.list"
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
  echo "the source of $name cannot be fetched" >&2
  exit 1
}
