#include "storage/files/walk_linux.hpp"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "storage/files/file_linux.hpp"
#include "storage/files/pointer_linux.hpp"

namespace storage {
namespace {

constexpr int most_links = 40;  // as the kernel's MAXSYMLINKS

class Walk {
 public:
  Walk(int root, const Path& path, int flags, bool pointers)
      : root_(root),
        flags_(flags),
        pointers_(pointers),
        todo_(path.components().begin(), path.components().end()) {}

  Result<Handle> run() {
    while (!todo_.empty()) {
      const auto part = std::move(todo_.front());
      todo_.pop_front();
      if (part == "..") {
        if (!below_.empty()) below_.pop_back();  // above the root is the root, as in a chroot
        continue;
      }
      auto place = enter(part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
      if (!place) return place;
      const auto attributes = attributes_of(place->get());
      if (!attributes) return std::unexpected(attributes.error());
      const bool keep_link = todo_.empty() && (flags_ & O_NOFOLLOW) != 0;
      const auto target = keep_link ? std::nullopt : target_of(part, *place, *attributes);
      if (target) {
        if (const auto error = splice(*target)) return std::unexpected(error);
      } else if (todo_.empty()) {
        return enter(part, flags_ | O_NOFOLLOW);
      } else {
        below_.push_back(std::move(*place));
      }
    }
    return enter(".", flags_);
  }

 private:
  int here() const { return below_.empty() ? root_ : below_.back().get(); }

  Result<Handle> enter(const std::string& part, int flags) const {
    const int fd = ::openat(here(), part.c_str(), flags);
    if (fd < 0) return std::unexpected(std::error_code(errno, std::system_category()));
    return Handle(fd);
  }

  // What a link or a pointer leads to, and nothing for all else. A link that cannot be read leads nowhere.
  std::optional<std::string> target_of(const std::string& part, const Handle& place,
                                       const Attributes& attributes) const {
    if (attributes.kind != Kind::link)
      return pointers_ ? read_pointer(here(), part, attributes) : std::nullopt;
    std::array<char, PATH_MAX> target{};
    const auto size = ::readlinkat(place.get(), "", target.data(), target.size());
    return std::string(target.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  }

  // Puts the target in front of what is left to walk.
  std::error_code splice(std::string_view target) {
    if (++links_ > most_links) return {ELOOP, std::system_category()};
    if (target.empty()) return {ENOENT, std::system_category()};
    if (target.starts_with('/')) below_.clear();
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < target.size();) {
      const auto end = std::min(target.find('/', at), target.size());
      const auto part = target.substr(at, end - at);
      if (!part.empty() && part != ".") parts.emplace_back(part);
      at = end + 1;
    }
    todo_.insert(todo_.begin(), parts.begin(), parts.end());
    return {};
  }

  const int root_, flags_;
  const bool pointers_;
  std::deque<std::string> todo_;
  std::vector<Handle> below_;  // the directories from the root down to here
  int links_ = 0;
};

}  // namespace

Result<Handle> walk(int root, const Path& path, int flags, bool pointers) {
  return Walk(root, path, flags, pointers).run();
}

}  // namespace storage
