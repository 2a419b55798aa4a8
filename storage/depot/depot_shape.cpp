#include "storage/depot/depot_shape.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

#include "storage/archives/clutter.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/folder.hpp"
#include "storage/files/path.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/uploads_folder.hpp"
#include "storage/images/image_name.hpp"

namespace storage {

std::filesystem::path image_beside(const Depot& depot) {
  constexpr std::array<std::string_view, 6> ours{"images", "drop", "rejected", "retired", "bundles", "state"};
  constexpr std::size_t deepest = 3;
  constexpr int most = 1000;
  std::error_code error;
  FolderReader reader(depot.directory(), error, FolderReader::Reach::tree);
  for (int count = 0; ++count < most;) {
    const auto entry = reader.next();
    if (!entry) break;
    const auto& name = entry->name;
    if (entry->depth >= deepest || name.starts_with('.') ||
        (entry->depth == 0 && std::ranges::count(ours, name) > 0))
      reader.pass_over();
    if (entry->is_file() && is_image_name(name)) return entry->path;
  }
  return {};
}

std::vector<std::filesystem::path> unaskable_names(const Depot& depot) {
  namespace fs = std::filesystem;
  constexpr int most_looked_at = 200'000;
  constexpr std::size_t most_told = 5;
  std::vector<fs::path> found;
  std::error_code error;
  FolderReader reader(depot.images(), error, FolderReader::Reach::tree);
  for (int count = 0; ++count < most_looked_at && found.size() < most_told;) {
    const auto entry = reader.next();
    if (!entry) break;
    if (!Path::is_component(entry->name) && !is_clutter(entry->name)) found.push_back(entry->path);
    if (entry->name == uploads_name) reader.pass_over();
  }
  std::ranges::sort(found);
  return found;
}

std::string unaskable_text(const Depot& depot, const std::filesystem::path& path) {
  return "images/" + utf8_of(path.lexically_relative(depot.images())) +
         " is not served: no client can ask for a name with a colon or a backslash; "
         "rename it";
}

bool is_split(const Depot& depot) { return !is_one_file_system(depot.images(), depot.state()); }

}  // namespace storage
