#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "storage/depot/depot.hpp"
#include "storage/depot/reach.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

constexpr int deepest = 3;  // state/manifests/PRODUCT; of state/staging only the folders themselves

// A disk that is read-only is another matter, and told when something is written.
bool is_refused(const fs::path& path, int rights) {
  return ::faccessat(AT_FDCWD, path.c_str(), rights, AT_EACCESS) != 0 && errno == EACCES;
}

bool is_refused(const fs::directory_entry& entry) {
  std::error_code ignored;
  if (entry.is_symlink(ignored)) return false;
  return is_refused(entry.path(), entry.is_directory(ignored) ? R_OK | W_OK | X_OK : R_OK);
}

std::optional<fs::path> first_refused_below(const fs::path& folder) {
  std::error_code error;
  fs::recursive_directory_iterator at(folder, error);
  for (const fs::recursive_directory_iterator end; !error && at != end; at.increment(error)) {
    if (is_refused(*at)) return at->path();
    if (at.depth() + 1 >= deepest) at.disable_recursion_pending();
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
