#include "storage/files/uploads_folder.hpp"

#include <algorithm>

#include "storage/files/root.hpp"

namespace storage {

bool is_in_uploads(const Path& path) {
  return std::ranges::find(path.components(), uploads_name) != path.components().end();
}

bool is_in_uploads(const Root& root, const Path& path) {
  if (is_in_uploads(path)) return true;
  Path above;
  for (const auto& name : path.components()) {
    auto here = above / name;
    const auto place = root.attributes(here, Links::keep);
    if (!place) return false;
    const auto uploads = root.attributes(above / uploads_name, Links::keep);
    if (uploads && place->version.device == uploads->version.device &&
        place->version.number == uploads->version.number)
      return true;
    above = std::move(here);
  }
  return false;
}

std::optional<Path> below_uploads(const Path& path) {
  const auto components = path.components();
  if (components.empty() || components.front() != uploads_name) return {};
  return path.below(1);
}

}  // namespace storage
