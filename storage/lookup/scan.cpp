#include "storage/lookup/scan.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "storage/files/file.hpp"
#include "storage/files/root.hpp"
#include "storage/files/uploads_folder.hpp"
#include "storage/images/layout.hpp"
#include "storage/lookup/catalogue.hpp"
#include "storage/lookup/current.hpp"

namespace storage {
namespace {

constexpr std::size_t most_entries = 200'000;  // a bound, not an expectation
constexpr std::size_t most_archives = 20;
constexpr std::size_t most_closed = 1000;
constexpr std::size_t at_once = 256;

std::optional<std::string> info_in(const Root& root, const Path& path) {
  const auto file = root.open_file(path);
  if (!file) return {};
  std::array<char, 128> text;
  const std::array<std::span<std::byte>, 1> pieces{std::as_writable_bytes(std::span(text))};
  const auto size = file->read(File::Pieces(pieces), 0);
  return size ? info_line({text.data(), *size}) : std::nullopt;
}

class Scan {
 public:
  Scan(const Root& root, const std::function<void(const Directory&)>& visit) : root_(root), visit_(visit) {}

  void shelves() {
    look_at(Shelf{Path{}});
    mark_promoted();
  }
  // Only the archives right here: nothing is served from rejected/.
  void rejected() {
    Shelf folder{Path{}};
    read(folder);
    keep_archives(folder, true);
  }
  Scanned take() { return std::move(scanned_); }
  void go_on_from(Scanned scanned) { scanned_ = std::move(scanned); }

 private:
  void look_at(Shelf shelf) {
    const auto below = read(shelf);
    const auto path = shelf.path;
    // A link may lead back to where it stands.
    const bool deeper = !shelf.linked && path.components().size() < deepest_shelf;
    if (!shelf.linked) keep_archives(shelf, false);
    if (!shelf.files.empty()) keep(std::move(shelf));
    if (!deeper) return;
    for (const auto& entry : below)
      look_at({.path = path / entry.name, .linked = entry.attributes.kind == Kind::link});
  }

  // Fills the shelf with its files, and gives the directories in it.
  std::vector<Entry> read(Shelf& shelf) {
    std::vector<Entry> below;
    auto directory = root_.open_directory(shelf.path);
    if (!directory) note_closed(shelf.path);
    if (directory && visit_) visit_(*directory);
    while (directory && left_ > 0) {
      auto entries = directory->read(std::min(left_, at_once));
      if (!entries || entries->empty()) break;
      left_ -= entries->size();
      for (auto& entry : *entries) sort_in(shelf, std::move(entry), below);
    }
    std::ranges::sort(shelf.files, {}, &Shelf::File::name);
    std::ranges::sort(below, {}, &Entry::name);
    return below;
  }

  void sort_in(Shelf& shelf, Entry entry, std::vector<Entry>& below) {
    const auto target = target_of(shelf.path, entry);
    if (target.kind == Kind::link) note_closed(shelf.path / entry.name);
    if (target.kind == Kind::file) shelf.files.push_back({entry.name, target.size});
    if (target.kind == Kind::directory && entry.name != uploads_name) below.push_back(std::move(entry));
  }

  // Of a link that leads nowhere, its own.
  Attributes target_of(const Path& path, const Entry& entry) const {
    if (!Path::is_component(entry.name)) return {};
    if (entry.attributes.kind != Kind::link) return entry.attributes;
    return root_.attributes(path / entry.name).value_or(entry.attributes);
  }

  void note_closed(Path path) {
    if (scanned_.closed.size() < most_closed) scanned_.closed.push_back(std::move(path));
  }

  void mark_promoted() {
    std::set<std::string> links;
    for (const auto& shelf : scanned_.shelves) {
      if (shelf.linked) links.insert(shelf.path.text());
    }
    for (auto& shelf : scanned_.shelves) {
      if (shelf.linked || shelf.path.is_root()) continue;
      shelf.promoted = links.contains(current_of(shelf.path).text()) && is_current(root_, shelf.path);
    }
  }

  void keep(Shelf shelf) {
    const auto has = [&](std::string_view name) {
      return std::ranges::binary_search(shelf.files, name, {}, &Shelf::File::name);
    };
    const auto info = [&](std::string_view name) {
      return has(name) ? info_in(root_, shelf.path / name) : std::nullopt;
    };
    if (!is_other(shelf.path)) {
      shelf.controller_version = info("controller_version.info");
      shelf.ap_version = info("version.info");
    }
    describe(shelf);
    scanned_.shelves.push_back(std::move(shelf));
  }

  void keep_archives(const Shelf& shelf, bool rejected) {
    for (const auto& file : shelf.files) {
      if (!is_archive(file.name) || archives_left_ == 0) continue;
      --archives_left_;
      scanned_.archives.push_back(look_into(root_, shelf.path / file.name, rejected));
    }
  }

  const Root& root_;
  const std::function<void(const Directory&)>& visit_;
  std::size_t left_ = most_entries, archives_left_ = most_archives;
  Scanned scanned_;
};

}  // namespace

Scanned scan(const Root& root, const Root* rejected, const std::function<void(const Directory&)>& visit) {
  Scan images(root, visit);
  images.shelves();
  if (!rejected) return images.take();
  Scan beside(*rejected, visit);
  beside.go_on_from(images.take());
  beside.rejected();
  return beside.take();
}

}  // namespace storage
