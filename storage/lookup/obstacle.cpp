#include "storage/lookup/obstacle.hpp"

#include <algorithm>
#include <deque>
#include <string_view>

namespace storage {
namespace {

constexpr int most_links = 40;  // as the system's

std::deque<std::string> parts_of(std::string_view text) {
  std::deque<std::string> parts;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('/', at), text.size());
    const auto part = text.substr(at, end - at);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    at = end + 1;
  }
  return parts;
}

class Walk {
 public:
  Walk(const Root& root, const Path& path) : root_(root), todo_(parts_of(path.text())) {}

  std::optional<Obstacle> run() {
    while (!todo_.empty()) {
      const auto part = std::move(todo_.front());
      todo_.pop_front();
      if (part == "..") {
        if (here_.is_root()) return at_link(Obstacle::Kind::leads_out);
        here_ = here_.parent();
        continue;
      }
      if (!Path::is_component(part)) return at_link(Obstacle::Kind::leads_nowhere);
      if (auto found = enter(here_ / part)) return *found;
      if (gone_) return {};
    }
    return closed_at_end();
  }

 private:
  std::optional<Obstacle> enter(const Path& place) {
    const auto attributes = root_.attributes(place, Links::keep);
    if (!attributes && attributes.error() == std::errc::permission_denied) return closed(here_);
    if (!attributes) {
      gone_ = true;
      if (!in_target()) return {};
      return at_link(leads_out_ ? Obstacle::Kind::leads_out : Obstacle::Kind::leads_nowhere);
    }
    if (attributes->kind != Kind::link) {
      here_ = place;
      return {};
    }
    return follow(place);
  }

  std::optional<Obstacle> follow(const Path& link) {
    const auto target = root_.link_target(link);
    if (!target) return {};
    // The link in the name itself is told, not the links that it leads to.
    if (!in_target()) {
      link_ = Obstacle{Obstacle::Kind::leads_nowhere, link, *target};
      behind_link_ = todo_.size();
      leads_out_ = false;
    }
    if (++links_ > most_links) return at_link(Obstacle::Kind::leads_nowhere);
    // An absolute one starts at the root, as in a chroot: it was mostly meant for the host.
    if (target->starts_with('/')) {
      leads_out_ = true;
      here_ = {};
    }
    const auto parts = parts_of(*target);
    todo_.insert(todo_.begin(), parts.begin(), parts.end());
    return {};
  }

  // Whether the part that was taken last came out of a link.
  bool in_target() const { return link_ && todo_.size() >= behind_link_; }

  std::optional<Obstacle> at_link(Obstacle::Kind kind) const {
    if (!link_) return {};
    auto found = *link_;
    found.kind = kind;
    return found;
  }

  std::optional<Obstacle> closed(const Path& place) const {
    return Obstacle{Obstacle::Kind::closed, place, {}, root_.attributes(place).value_or(Attributes{})};
  }

  std::optional<Obstacle> closed_at_end() const {
    const auto attributes = root_.attributes(here_);
    if (!attributes) return {};
    std::error_code error;
    if (attributes->kind == Kind::directory) {
      if (const auto folder = root_.open_directory(here_); !folder) error = folder.error();
    } else if (attributes->kind == Kind::file) {
      if (const auto file = root_.open_file(here_); !file) error = file.error();
    }
    return error == std::errc::permission_denied ? closed(here_) : std::nullopt;
  }

  const Root& root_;
  std::deque<std::string> todo_;
  Path here_;
  std::optional<Obstacle> link_;
  std::size_t behind_link_ = 0;  // parts of the name itself
  int links_ = 0;
  bool leads_out_ = false, gone_ = false;
};

}  // namespace

std::optional<Obstacle> find_obstacle(const Root& root, const Path& path) { return Walk(root, path).run(); }

}  // namespace storage
