#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "storage/depot/depot.hpp"
#include "storage/depot/reach.hpp"
#include "storage/files/folder.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t deepest = 3;  // state/manifests/PRODUCT; of state/staging only the folders themselves

// A disk that is read-only is another matter, and told when something is written.
bool is_refused(const fs::path& path, int rights) {
  return ::faccessat(AT_FDCWD, path.c_str(), rights, AT_EACCESS) != 0 && errno == EACCES;
}

bool is_refused(const FolderEntry& entry) {
  if (entry.type == fs::file_type::symlink) return false;
  return is_refused(entry.path, entry.is_folder() ? R_OK | W_OK | X_OK : R_OK);
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
  if (is_refused(directory, R_OK | X_OK)) return directory;
  for (const auto* folder : {"images", "drop", "rejected", "state"})
    if (is_refused(directory / folder, R_OK | W_OK | X_OK)) return directory / folder;
  return first_refused_below(Depot::state_of(directory));
}

}  // namespace storage
