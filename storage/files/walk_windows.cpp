#include "storage/files/walk_windows.hpp"

#include <winioctl.h>

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

#include "storage/files/file_windows.hpp"
#include "storage/files/pointer_windows.hpp"
#include "storage/files/reparse_point.hpp"
#include "storage/files/root_windows.hpp"
#include "storage/files/windows_name.hpp"

namespace storage {
namespace {

constexpr int most_links = 40;  // as Linux has it

std::unexpected<std::error_code> failed(DWORD error) { return std::unexpected(error_of(error)); }

Result<ReparseTarget> target_of_link(HANDLE link) {
  constexpr std::size_t longest = 16 << 10;  // MAXIMUM_REPARSE_DATA_BUFFER_SIZE
  alignas(8) std::array<std::byte, longest> buffer;
  DWORD size = 0;
  if (!::DeviceIoControl(link, FSCTL_GET_REPARSE_POINT, nullptr, 0, buffer.data(), longest, &size, nullptr))
    return std::unexpected(last_error());
  auto target = reparse_target(std::span(buffer).first(std::min<std::size_t>(size, longest)));
  if (!target) return failed(ERROR_FILE_NOT_FOUND);  // leads nowhere that has a name
  return std::move(*target);
}

std::wstring_view last_name(std::wstring_view path) { return path.substr(path.rfind(L'\\') + 1); }

struct Part {
  std::string name;
  bool exact;  // asked for, and not out of a link, which Windows itself follows in any case
};

class Walk {
 public:
  Walk(HANDLE root, const Path& path, int flags, bool pointers)
      : root_(root), flags_(flags), pointers_(pointers) {
    for (const auto& name : path.components()) todo_.push_back({name, true});
  }

  Result<Handle> run() {
    while (!todo_.empty()) {
      const auto part = std::move(todo_.front());
      todo_.pop_front();
      if (part.name == "..") {
        if (!below_.empty()) below_.pop_back();  // above the root is the root, as in a chroot
        continue;
      }
      const bool last = todo_.empty();
      auto place = enter(part, last);
      if (!place) return std::unexpected(place.error());
      const auto attributes = attributes_of(native(place->handle));
      if (!attributes) return std::unexpected(attributes.error());
      if (!last || (flags_ & keep_link) == 0) {
        const auto followed = follow(part, *place, *attributes);
        if (!followed) return std::unexpected(followed.error());
        if (*followed) continue;
      }
      if (attributes->kind != Kind::directory && (!last || (flags_ & only_folder) != 0))
        return failed(ERROR_DIRECTORY);
      below_.push_back(std::move(*place));
      if (last) return confirmed();
    }
    auto handle = open_at(here(), {}, rights());
    if (!handle) return handle;
    below_.push_back({std::move(*handle), below_.empty() ? std::wstring() : below_.back().name});
    is_folder_itself_ = true;
    return confirmed();
  }

 private:
  struct Place {
    Handle handle;
    std::wstring name;
  };

  HANDLE here() const { return below_.empty() ? root_ : native(below_.back().handle); }
  ACCESS_MASK rights() const { return static_cast<ACCESS_MASK>(flags_ & ~(only_folder | keep_link)); }

  Result<Place> enter(const Part& part, bool last) const {
    if (!is_windows_name(part.name)) return failed(ERROR_FILE_NOT_FOUND);
    auto name = widen(part.name);
    auto handle = open_at(here(), name, last ? rights() : FILE_READ_ATTRIBUTES);
    if (!handle) return std::unexpected(handle.error());
    if (!part.exact) {
      const auto path = final_path(native(*handle));
      if (!path) return std::unexpected(path.error());
      name = last_name(*path);
    }
    return Place{std::move(*handle), std::move(name)};
  }

  // False for what leads nowhere else.
  Result<bool> follow(const Part& part, const Place& place, const Attributes& attributes) {
    if (attributes.kind == Kind::link) {
      const auto target = target_of_link(native(place.handle));
      if (!target) return std::unexpected(target.error());
      if (const auto error = splice(*target)) return std::unexpected(error);
      return true;
    }
    const auto folder = pointers_ ? read_pointer(here(), part.name, attributes) : std::nullopt;
    if (!folder) return false;
    if (++links_ > most_links) return failed(ERROR_CANT_RESOLVE_FILENAME);
    todo_.push_front({*folder, true});
    return true;
  }

  // Puts the target in front of what is left to walk.
  std::error_code splice(const ReparseTarget& target) {
    if (++links_ > most_links) return error_of(ERROR_CANT_RESOLVE_FILENAME);
    auto path = target.path;
    if (target.from == ReparseTarget::From::system) {
      const auto inside = below_root(path);
      if (!inside) return error_of(ERROR_FILE_NOT_FOUND);
      path = *inside;
    }
    if (target.from != ReparseTarget::From::folder) below_.clear();
    std::vector<Part> parts;
    for (std::size_t at = 0; at < path.size();) {
      const auto end = std::min(path.find('/', at), path.size());
      auto name = path.substr(at, end - at);
      if (!name.empty() && name != ".") parts.push_back({std::move(name), false});
      at = end + 1;
    }
    todo_.insert(todo_.begin(), parts.begin(), parts.end());
    return {};
  }

  std::optional<std::string> below_root(std::string_view path) const {
    const auto place = final_path(root_, Volume::named);
    auto root = place ? narrow(*place) : std::nullopt;
    if (!root) return {};
    std::ranges::replace(*root, '\\', '/');
    constexpr std::string_view prefix = "//?/", share = "//?/UNC/";
    if (root->starts_with(share)) {
      root->replace(0, share.size(), "//");
    } else if (root->starts_with(prefix)) {
      root->erase(0, prefix.size());
    }
    return below_folder(*root, path);
  }

  // What was walked, with the last place's handle, if it still lies where the names say.
  Result<Handle> confirmed() {
    auto expected = final_path(root_);
    if (!expected) return std::unexpected(expected.error());
    if (expected->ends_with(L'\\')) expected->pop_back();
    for (std::size_t i = 0; i + (is_folder_itself_ ? 1 : 0) < below_.size(); ++i)
      expected->append(1, L'\\').append(below_[i].name);
    auto place = final_path(native(below_.back().handle));
    if (!place) return std::unexpected(place.error());
    if (place->ends_with(L'\\')) place->pop_back();
    if (*place != *expected) return failed(ERROR_FILE_NOT_FOUND);
    return std::move(below_.back().handle);
  }

  const HANDLE root_;
  const int flags_;
  const bool pointers_;
  std::deque<Part> todo_;
  std::vector<Place> below_;  // from the root down to here
  int links_ = 0;
  bool is_folder_itself_ = false;  // the last place is the folder before it, opened once more
};

}  // namespace

Result<Handle> walk(HANDLE root, const Path& path, int flags, bool pointers) {
  return Walk(root, path, flags, pointers).run();
}

Result<std::string> link_text(HANDLE link) {
  auto target = target_of_link(link);
  if (!target) return std::unexpected(target.error());
  if (target->from == ReparseTarget::From::root) return "/" + target->path;
  return std::move(target->path);
}

}  // namespace storage
