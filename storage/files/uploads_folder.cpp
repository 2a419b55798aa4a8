#include "storage/files/uploads_folder.hpp"

#include <algorithm>

namespace storage {

bool is_in_uploads(const Path& path) {
  return std::ranges::find(path.components(), uploads_name) != path.components().end();
}

std::optional<Path> below_uploads(const Path& path) {
  const auto components = path.components();
  if (components.empty() || components.front() != uploads_name) return {};
  return path.below(1);
}

}  // namespace storage
