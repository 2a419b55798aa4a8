#include "storage/shelf.hpp"

#include <algorithm>

#include "storage/member_name.hpp"

namespace storage {
namespace {

constexpr std::size_t most_entries = 50'000;  // a bound, not an expectation

class Scan {
 public:
  explicit Scan(const Root& root) : root_(root) { visit(Shelf{Path{}}); }
  std::vector<Shelf> take() { return std::move(shelves_); }

 private:
  void visit(Shelf shelf) {
    const auto below = read(shelf);
    const auto path = shelf.path;
    // A link may lead back to where it stands.
    const bool deeper = !shelf.linked && path.components().size() < deepest_shelf;
    if (!shelf.files.empty()) shelves_.push_back(std::move(shelf));
    if (!deeper) return;
    for (const auto& entry : below) visit({path / entry.name, {}, entry.attributes.kind == Kind::link});
  }

  // Fills the shelf with its files, and gives the directories in it.
  std::vector<Entry> read(Shelf& shelf) {
    std::vector<Entry> below;
    auto directory = root_.open_directory(shelf.path);
    while (directory && left_ > 0) {
      auto entries = directory->read(std::min<std::size_t>(left_, 256));
      if (!entries || entries->empty()) break;
      left_ -= entries->size();
      for (auto& entry : *entries) {
        const auto kind = kind_of(shelf.path, entry);
        if (kind == Kind::file) shelf.files.push_back(entry.name);
        if (kind == Kind::directory) below.push_back(std::move(entry));
      }
    }
    std::ranges::sort(shelf.files);
    std::ranges::sort(below, {}, &Entry::name);
    return below;
  }

  Kind kind_of(const Path& path, const Entry& entry) const {
    if (!Path::is_component(entry.name)) return Kind::other;
    if (entry.attributes.kind != Kind::link) return entry.attributes.kind;
    const auto target = root_.attributes(path / entry.name);
    return target ? target->kind : Kind::other;
  }

  const Root& root_;
  std::size_t left_ = most_entries;
  std::vector<Shelf> shelves_;
};

}  // namespace

bool Shelf::has_images() const { return std::ranges::any_of(files, is_image_family); }

const std::string* Shelf::file(std::string_view name) const {
  const auto same = std::ranges::lower_bound(files, name);
  if (same != files.end() && *same == name) return &*same;
  const auto fits = [wanted = folded(name)](const std::string& file) { return folded(file) == wanted; };
  const auto first = std::ranges::find_if(files, fits);
  if (first == files.end() || std::any_of(first + 1, files.end(), fits)) return nullptr;
  return &*first;
}

std::vector<Shelf> scan_shelves(const Root& root) { return Scan(root).take(); }

std::optional<Version> version_in(std::string_view directory) {
  const auto digit = directory.find_first_of("0123456789");
  if (digit == std::string_view::npos) return {};
  auto version = Version::parse(directory.substr(digit));
  if (!version || version->fields.size() < 2) return {};
  return version;
}

}  // namespace storage
