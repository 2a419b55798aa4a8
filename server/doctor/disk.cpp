#include "server/doctor/disk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "server/doctor/check.hpp"
#include "server/text/escape.hpp"
#include "storage/depot/depot_shape.hpp"
#include "storage/files/path_text.hpp"
#include "storage/releases/releases.hpp"

namespace server::doctor {
namespace {

constexpr std::uint64_t mebibyte = 1 << 20;
constexpr std::uint64_t least_room = 64 * mebibyte;
constexpr std::uint64_t least_files = 100;

std::string size_text(std::uint64_t bytes) {
  constexpr double mega = 1e6, giga = 1e9;
  const auto size = static_cast<double>(bytes);
  return size >= giga ? fmt::format("{:.1f} GB", size / giga) : fmt::format("{:.1f} MB", size / mega);
}

// The oldest release of a product that has a newer one, and that `current` does not point at.
std::string oldest_of(const std::vector<storage::Release>& releases) {
  std::map<std::string, int> of_product;
  for (const auto& release : releases) ++of_product[release.product];
  for (const auto& release : releases)
    if (!release.current && of_product[release.product] > 1) return release.path.text();
  return {};
}

std::uint64_t size_of(const storage::Release& release) {
  std::uint64_t size = 0;
  for (const auto& image : release.images) size += image.size;
  return size;
}

Result run_room(const Sight& sight) {
  const storage::Root images(sight.depot->images());
  const auto space = images.space(storage::Path());
  if (!space) return not_seen("the disk cannot be asked: " + space.error().message());
  std::vector<std::string> ignored;
  const storage::Catalogue catalogue(images);
  const auto releases = storage::releases_in(*sight.depot, catalogue, ignored);
  RoomReading reading{*space, 0, oldest_of(releases), storage::utf8_of(sight.depot->directory())};
  for (const auto& release : releases) reading.largest = std::max(reading.largest, size_of(release));
  return judge_room(reading);
}

Result run_file_system(const Sight& sight) {
  const auto& depot = *sight.depot;
  const auto disk = disk_of(depot.images());
  if (!disk) return not_seen("the file system of images/ cannot be examined");
  std::error_code ignored;
  const bool folds = std::filesystem::equivalent(depot.images(), depot.directory() / "IMAGES", ignored);
  return judge_file_system({*disk, storage::is_split(depot), folds, watch_failure(depot.drop())});
}

}  // namespace

Result judge_room(const RoomReading& reading) {
  const auto& space = reading.space;
  const auto left = size_text(space.available);
  const auto fix = reading.oldest.empty() ? "du -xh --max-depth=2 " + escaped(reading.depot, whole)
                                          : "apdepot retire " + escaped(reading.oldest, whole);
  Result result;
  if (space.read_only)
    result.fails("the disk can only be read: nothing can be imported", "mount -o remount,rw");
  if (space.available < least_room) {
    result.fails(fmt::format("{} are free: nothing can be imported or sent", left), fix);
  } else if (space.available < 2 * reading.largest) {
    result.look(fmt::format("{} are free, and an import needs up to twice the size of a release, which is {}",
                            left, size_text(reading.largest)),
                fix);
  }
  // Some file systems have no table of inodes.
  if (space.files > 0 && space.free_files < least_files)
    result.fails(fmt::format("{} more files fit on the disk: it is out of inodes", space.free_files),
                 "df -i; " + fix);
  return std::move(result).or_ok(fmt::format("{} are free", left));
}

Result judge_file_system(const FileSystemReading& reading) {
  constexpr auto elsewhere = "put the depot on a disk of this host: depot: DIR in the configuration";
  Result result;
  const auto& name = reading.disk.name;
  switch (reading.disk.kind) {
    case DiskKind::disk:
      break;
    case DiskKind::memory:
      result.look(fmt::format("the depot lies in memory ({}): it is gone after the next boot", name),
                  elsewhere);
      break;
    case DiskKind::network:
      result.look(
          fmt::format("the depot lies on another host ({}): what is put into drop/ there is seen late, "
                      "and transfers stand still when that host does",
                      name),
          elsewhere);
      break;
    case DiskKind::program:
      result.look(fmt::format("the depot lies on a file system that a program serves ({})", name), elsewhere);
      break;
    case DiskKind::without_owners:
      result.look(fmt::format("the depot lies on {}, which knows no owners and no rights of files", name),
                  elsewhere);
      break;
  }
  if (reading.split)
    result.fails(
        "images/ lies on another file system than state/, or in another mount: nothing can be "
        "imported or uploaded",
        "put the whole depot on one file system");
  if (reading.folds_case)
    result.look("the file system takes upper and lower case for the same: two images may be one", elsewhere);
  const bool of_limits =
      reading.no_watch == std::errc::no_space_on_device || reading.no_watch == std::errc::too_many_files_open;
  if (reading.no_watch && !of_limits)
    result.look("drop/ cannot be watched: " + reading.no_watch.message(), elsewhere);
  return std::move(result).or_ok("a disk of this host");
}

const Check disk_check{"disk", "disk", nullptr, run_room, true};
const Check file_system_check{"file-system", "file system", nullptr, run_file_system, true};

}  // namespace server::doctor
