#include "storage/releases/origin_index.hpp"

#include <algorithm>
#include <ranges>
#include <stdexcept>

#include "storage/depot/depot.hpp"
#include "storage/files/folder.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"
#include "storage/releases/manifest.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

// One that cannot be understood is none: whoever asks for its release is told.
std::optional<Manifest> manifest_in(const fs::path& file) try {
  return load_manifest(file);
} catch (const std::runtime_error&) {
  return {};
}

std::vector<std::string> origins_in(const fs::path& file) {
  std::vector<std::string> names;
  if (const auto manifest = manifest_in(file))
    for (const auto& origin : manifest->origins) names.push_back(origin.name);
  return names;
}

std::map<fs::path, FileVersion> manifests_in(const Depot& depot) {
  std::map<fs::path, FileVersion> found;
  FolderReader reader(depot.manifests(), FolderReader::Reach::tree);
  while (const auto entry = reader.next()) {
    if (entry->path.extension() != ".yaml") continue;
    try {
      found.emplace(entry->path, open_plain_file(entry->path).at_open().version);
    } catch (const std::system_error&) {
      continue;  // it went away, or is not a file
    }
  }
  return found;
}

}  // namespace

std::uint64_t OriginIndex::refresh() {
  const auto there = manifests_in(depot_);
  bool changed = std::erase_if(known_, [&](const auto& each) { return !there.contains(each.first); }) > 0;
  for (const auto& [file, version] : there) {
    const auto at = known_.find(file);
    if (at != known_.end() && at->second.version == version) continue;
    known_[file] = {version, origins_in(file)};
    changed = true;
  }
  if (!changed) return number_;
  by_origin_.clear();
  for (const auto& [file, known] : known_)
    for (const auto& origin : known.origins) by_origin_.emplace(origin, file);
  return ++number_;
}

std::vector<fs::path> OriginIndex::manifests_of(const std::string& file) const {
  std::vector<fs::path> found;
  const auto [first, last] = by_origin_.equal_range(file);
  for (const auto& path : std::ranges::subrange(first, last) | std::views::values) found.push_back(path);
  return found;
}

std::string release_out_of(const Depot& depot, std::string_view sha512) {
  for (const auto& file : manifests_in(depot) | std::views::keys) {
    const auto manifest = manifest_in(file);
    if (manifest &&
        std::ranges::find(manifest->origins, sha512, &Origin::sha512) != manifest->origins.end() &&
        fs::is_directory(depot.images() / path_of(manifest->path).relative_path()))
      return manifest->path;
  }
  return {};
}

}  // namespace storage
