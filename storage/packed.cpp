#include "storage/packed.hpp"

#include <algorithm>

#include "storage/import.hpp"
#include "storage/member_name.hpp"
#include "storage/zip_directory.hpp"

namespace storage {
namespace {

constexpr std::size_t most_archives = 20;
constexpr std::uint64_t most_members = 1'000;

// The members' own names, without folders. None where the archive is damaged: the import says so.
std::vector<std::string> member_names(const Root& root, const Path& archive) try {
  const auto file = root.open_file(archive);
  if (!file) return {};
  std::vector<std::string> names;
  for (const auto& member : read_zip_directory(*file, most_members)) {
    names.push_back(member.name.substr(member.name.rfind('/') + 1));
  }
  return names;
} catch (const std::runtime_error&) {  // Rejected, or the disk's
  return {};
}

bool is_of_release(const Path& archive, const std::vector<std::string>& members, const Path& directory) {
  if (archive.parent() == directory) return true;
  const auto version = version_in(directory.name());
  const auto name = name_release({std::string(archive.name()), {}, {}, members});
  return version && Version::parse(name.release) == version;
}

}  // namespace

std::optional<Path> packed_in(const Root& root, std::span<const Shelf> shelves, const Path& asked,
                              bool any_release) {
  std::size_t left = most_archives;
  for (const auto& shelf : shelves) {
    for (const auto& file : shelf.files) {
      if (!folded(file).ends_with(".zip") || left == 0) continue;
      --left;
      const auto archive = shelf.path / file;
      const auto members = member_names(root, archive);
      if (std::ranges::find(members, asked.name()) == members.end()) continue;
      if (any_release || is_of_release(archive, members, asked.parent())) return archive;
    }
  }
  return {};
}

}  // namespace storage
