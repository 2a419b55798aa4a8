#include <system_error>

#include "storage/depot/depot.hpp"
#include "storage/depot/reach.hpp"
#include "storage/files/folder.hpp"
#include "storage/files/nt_windows.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t deepest = 3;  // state/manifests/PRODUCT; of state/staging only the folders themselves
constexpr ACCESS_MASK to_look = FILE_LIST_DIRECTORY | FILE_TRAVERSE,
                      to_work = to_look | FILE_ADD_FILE | FILE_ADD_SUBDIRECTORY, to_read = FILE_READ_DATA;

// By opening it: only Windows itself knows what the groups, the privileges and the lists come to.
bool is_refused(const fs::path& path, ACCESS_MASK access) {
  const auto opened = open_path(path, access, Last::followed);
  return !opened && opened.error() == std::errc::permission_denied;
}

bool is_refused(const FolderEntry& entry) {
  if (entry.type == fs::file_type::symlink) return false;
  return is_refused(entry.path, entry.is_folder() ? to_work : to_read);
}

std::optional<fs::path> first_refused_below(const fs::path& folder) {
  std::error_code error;
  FolderReader reader(folder, error, FolderReader::Reach::tree);
  while (const auto entry = reader.next()) {
    if (is_refused(*entry)) return entry->path;
    if (entry->depth + 1 >= deepest) reader.pass_over();
  }
  return std::nullopt;
}

}  // namespace

std::optional<fs::path> out_of_reach(const fs::path& directory) {
  if (is_refused(directory, to_look)) return directory;
  for (const auto* folder : {"images", "drop", "rejected", "state"})
    if (is_refused(directory / folder, to_work)) return directory / folder;
  return first_refused_below(Depot::state_of(directory));
}

}  // namespace storage
