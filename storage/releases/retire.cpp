#include "storage/releases/retire.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "storage/depot/depot.hpp"
#include "storage/depot/staging.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/root.hpp"
#include "storage/lookup/current.hpp"
#include "storage/releases/published.hpp"
#include "storage/releases/releases.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

bool is_taken(const fs::path& path) { return fs::exists(fs::symlink_status(path)); }

// It may have been retired before, and imported again, or brought back without its manifest.
fs::path free_place(const Depot& depot, const Path& release) {
  const auto wanted = depot.retired() / path_of(release.text().substr(1));
  auto place = wanted;
  for (int n = 2; is_taken(place) || is_taken(manifest_beside(place)); ++n) {
    place = wanted;
    place += fmt::format(".{}", n);
  }
  return place;
}

// The release goes first: a manifest without one means nothing.
fs::path move_out(const Depot& depot, const Path& release) {
  const auto from = place_of(depot, release.text());
  for (;;) {
    const auto place = free_place(depot, release);
    make_directories(place.parent_path(), 0755);
    try {
      rename_new(from, place);
    } catch (const std::system_error& error) {
      if (error.code() == std::errc::file_exists) continue;
      if (error.code() != std::errc::device_or_resource_busy) throw;
      move_out_by_files(depot, release, place);
      return place;
    }
    sync_directory(from.parent_path());
    const auto manifest = manifest_of(depot, release.text());
    if (fs::exists(manifest)) rename_new(manifest, manifest_beside(place));
    return place;
  }
}

// A product's folder with a file of its own in it is not a release to be moved away with all of them.
bool holds_releases(const Depot& depot, const Path& release) {
  const auto folder = Root(depot.images()).subroot(release);
  if (!folder) return false;
  const Catalogue below(*folder);
  return std::ranges::any_of(below.shelves(), [](const Shelf& shelf) {
    return !shelf.path.is_root() && (shelf.named || shelf.has_images());
  });
}

bool may_go(const Depot& depot, const Release& release, const std::string& published) {
  return release.imported_at && release.path.text() != published && !is_current(depot, release.path);
}

}  // namespace

Retired retire(const Depot& depot, const Path& release, Current current) {
  const auto one_at_a_time = lock_releases(depot);
  if (one_at_a_time.finished && one_at_a_time.finished->path == release.text())
    return *one_at_a_time.finished;
  if (!fs::exists(place_of(depot, release.text())))
    throw NotRetired(
        fmt::format("{} is not a release here any more; look for it in retired/", release.text()));
  if (holds_releases(depot, release))
    throw NotRetired(fmt::format("{} has releases in it: retire them by their own paths", release.text()));
  const bool promoted = is_current(depot, release);
  const auto pointer = current_of(release).text();
  if (promoted && current == Current::kept)
    throw NotRetired(fmt::format("{} points at {}: promote another release first, or retire it with --force",
                                 pointer, release.text()));
  const auto place = move_out(depot, release);
  if (promoted) fs::remove(place_of(depot, pointer));
  return {release.text(), utf8_of(fs::relative(place, depot.directory()))};
}

std::vector<Retired> retire_oldest(const Depot& depot, const std::string& published, std::size_t keep,
                                   std::vector<std::string>& problems) {
  std::vector<Retired> retired;
  try {
    if (keep == 0) return retired;
    auto releases = releases_in(depot, Catalogue(Root(depot.images())), problems);
    const auto own =
        std::ranges::find(releases, published, [](const auto& each) { return each.path.text(); });
    if (own == releases.end()) return retired;
    std::erase_if(releases, [&, product = own->product](const Release& each) {
      return each.product != product || !each.imported_at;
    });
    auto surplus = releases.size() - std::min(keep, releases.size());
    for (const auto& release : releases) {
      if (surplus == 0) break;
      if (!may_go(depot, release, published)) continue;
      retired.push_back(retire(depot, release.path, Current::kept));
      --surplus;
    }
  } catch (const std::exception& error) {
    problems.push_back(fmt::format("import.keep: old releases stay: {}", error.what()));
  }
  return retired;
}

}  // namespace storage
