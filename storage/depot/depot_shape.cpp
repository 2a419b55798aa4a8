#include "storage/depot/depot_shape.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

#include "storage/archives/clutter.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/path.hpp"
#include "storage/files/uploads_folder.hpp"
#include "storage/images/image_name.hpp"

namespace storage {

std::filesystem::path image_beside(const Depot& depot) {
  namespace fs = std::filesystem;
  constexpr std::array<std::string_view, 6> ours{"images", "drop", "rejected", "retired", "bundles", "state"};
  constexpr int deepest = 3, most = 1000;
  std::error_code error;
  int count = 0;
  for (fs::recursive_directory_iterator
           i(depot.directory(), fs::directory_options::skip_permission_denied, error),
       end;
       !error && i != end && ++count < most; i.increment(error)) {
    const auto name = i->path().filename().string();
    std::error_code unknown;
    const auto type = i->symlink_status(unknown).type();
    if (type == fs::file_type::directory && (i.depth() >= deepest || name.starts_with('.') ||
                                             (i.depth() == 0 && std::ranges::count(ours, name) > 0)))
      i.disable_recursion_pending();
    if (type == fs::file_type::regular && is_image_name(name)) return i->path();
  }
  return {};
}

std::vector<std::filesystem::path> unaskable_names(const Depot& depot) {
  namespace fs = std::filesystem;
  constexpr int most_looked_at = 200'000;
  constexpr std::size_t most_told = 5;
  std::vector<fs::path> found;
  std::error_code error;
  int count = 0;
  for (fs::recursive_directory_iterator
           i(depot.images(), fs::directory_options::skip_permission_denied, error),
       end;
       !error && i != end && ++count < most_looked_at && found.size() < most_told; i.increment(error)) {
    const auto name = i->path().filename().string();
    if (!Path::is_component(name) && !is_clutter(name)) found.push_back(i->path());
    if (name == uploads_name) i.disable_recursion_pending();
  }
  std::ranges::sort(found);
  return found;
}

std::string unaskable_text(const Depot& depot, const std::filesystem::path& path) {
  return "images/" + path.lexically_relative(depot.images()).string() +
         " is not served: no client can ask for a name with a colon or a backslash; "
         "rename it";
}

bool is_split(const Depot& depot) { return !is_one_file_system(depot.images(), depot.state()); }

}  // namespace storage
