#include "storage/files/path.hpp"

#include <algorithm>

namespace storage {
namespace {
constexpr std::size_t longest_component =
    255;  // bytes: NAME_MAX, and NTFS's limit in UTF-16 units is no smaller
constexpr std::size_t longest_path = 4096;
}  // namespace

bool Path::is_component(std::string_view text) {
  using namespace std::string_view_literals;
  return !text.empty() && text != "." && text != ".." &&
         text.find_first_of("/\\:\0"sv) == std::string_view::npos;
}

std::expected<Path, PathError> Path::parse(std::string_view text, AboveRoot above) {
  if (text.empty()) return std::unexpected(PathError::empty);
  if (text.size() > longest_path) return std::unexpected(PathError::too_long);
  Path path;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('/', at), text.size());
    const auto part = text.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!path.is_root()) {
        path.components_.pop_back();
      } else if (above == AboveRoot::refused) {
        return std::unexpected(PathError::climbs);
      }
      continue;
    }
    if (part.size() > longest_component) return std::unexpected(PathError::too_long);
    if (!is_component(part)) return std::unexpected(PathError::invalid);
    path.components_.emplace_back(part);
  }
  return path;
}

std::string_view Path::name() const {
  return is_root() ? std::string_view{} : std::string_view(components_.back());
}

Path Path::parent() const {
  Path up = *this;
  if (!up.is_root()) up.components_.pop_back();
  return up;
}

Path Path::operator/(std::string_view component) const {
  Path down = *this;
  down.components_.emplace_back(component);
  return down;
}

Path Path::operator/(const Path& below) const {
  Path down = *this;
  down.components_.insert(down.components_.end(), below.components_.begin(), below.components_.end());
  return down;
}

Path Path::below(std::size_t count) const {
  Path rest;
  rest.components_.assign(components_.begin() + static_cast<std::ptrdiff_t>(count), components_.end());
  return rest;
}

std::string Path::text() const {
  if (is_root()) return "/";
  std::string text;
  for (const auto& component : components_) text.append(1, '/').append(component);
  return text;
}

}  // namespace storage
