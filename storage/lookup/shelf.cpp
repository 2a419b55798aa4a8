#include "storage/lookup/shelf.hpp"

#include <algorithm>

#include "storage/archives/member_name.hpp"

namespace storage {
namespace {

std::optional<Version> version_of(const std::optional<std::string>& line) {
  return line ? Version::parse(*line) : std::nullopt;
}

// The AP's own number lacks the rebuild letter, so that a name with the same fields says more.
std::optional<Version> version_of_content(const Shelf& shelf) {
  if (const auto build = version_of(shelf.controller_version)) return release_version(*build);
  const auto ap = version_of(shelf.ap_version);
  if (!ap) return {};
  const auto release = is_ios_xe(*ap) ? release_version(*ap) : *ap;
  return shelf.named && shelf.named->fields == release.fields ? shelf.named : release;
}

}  // namespace

bool Shelf::has_images() const { return std::ranges::any_of(files, is_image_family, &File::name); }

const std::string* Shelf::file(std::string_view name) const {
  const auto same = std::ranges::lower_bound(files, name, {}, &File::name);
  if (same != files.end() && same->name == name) return &same->name;
  const auto fits = [wanted = folded(name)](const File& file) { return folded(file.name) == wanted; };
  const auto first = std::ranges::find_if(files, fits);
  if (first == files.end() || std::any_of(first + 1, files.end(), fits)) return nullptr;
  return &first->name;
}

std::optional<Version> Shelf::version() const {
  const auto content = version_of_content(*this);
  return content ? content : named;
}

void describe(Shelf& shelf) {
  shelf.named = version_in(shelf.path.name());
  shelf.spelling = Spelling(shelf.path.components());
  if (const auto ap = version_of(shelf.ap_version)) shelf.builds.push_back(*ap);
  if (const auto build = version_of(shelf.controller_version)) {
    shelf.builds.push_back(*build);
    shelf.builds.push_back(release_version(*build));
  }
  if (shelf.spelling.version()) return;
  if (auto version = version_of_content(shelf)) {
    shelf.spelling = Spelling(shelf.path.parent().components());
    shelf.spelling.parts.push_back({"", std::move(version)});
  }
}

}  // namespace storage
