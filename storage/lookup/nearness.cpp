#include "storage/lookup/nearness.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace storage {
namespace {

constexpr std::size_t places = 10;  // of a version: its fields, the letter, and the rebuild
constexpr Distance farthest{places, std::numeric_limits<std::uint32_t>::max()};

Version release_of(const Version& version) { return is_ios_xe(version) ? release_version(version) : version; }

// "a" is 1, no letter 0.
std::uint32_t number_of(const std::string& letters) {
  std::uint32_t number = 0;
  for (const char letter : letters) number = number * 32 + static_cast<std::uint32_t>(letter & 0x1f);
  return number;
}

std::uint32_t between(std::uint32_t a, std::uint32_t b) { return a < b ? b - a : a - b; }

// Whether they have the same parent.
bool beside(const Path& a, const Path& b) {
  const auto above = [](const Path& path) {
    return path.components().first(path.components().size() - (path.is_root() ? 0 : 1));
  };
  return std::ranges::equal(above(a), above(b));
}

std::optional<Version> version_of(const Path& directory, const Shelf* here) {
  const auto spelling = Spelling(directory.components());
  if (const auto* asked = spelling.version()) return *asked;
  const auto* own = here ? here->spelling.version() : nullptr;
  return own ? std::optional(*own) : std::nullopt;
}

}  // namespace

Distance distance(const Version& a, const Version& b) {
  const auto first = release_of(a), second = release_of(b);
  const auto field = [](const Version& version, std::size_t at) {
    return at < version.fields.size() ? version.fields[at] : 0;
  };
  const auto fields = std::max(first.fields.size(), second.fields.size());
  for (std::size_t at = 0; at < fields; ++at) {
    if (field(first, at) != field(second, at))
      return {places - at, between(field(first, at), field(second, at))};
  }
  if (first.letter != second.letter) return {2, between(number_of(first.letter), number_of(second.letter))};
  if (first.rebuild != second.rebuild) return {1, between(first.rebuild, second.rebuild)};
  return {0, 0};
}

Nearness::Nearness(const Path& directory, const Shelf* here)
    : directory_(directory), here_(here), asked_(version_of(directory, here)) {}

std::optional<Distance> Nearness::from_asked(const std::optional<Version>& version) const {
  if (!asked_ || !version) return {};
  return distance(*asked_, *version);
}

// Where no version was asked for, all are equally far.
Distance Nearness::from_asked(const Shelf& shelf) const {
  if (!asked_) return {};
  if (std::ranges::find(shelf.builds, *asked_) != shelf.builds.end()) return {};
  const auto* version = shelf.spelling.version();
  return version ? distance(*asked_, *version) : farthest;
}

// The less, the nearer. A release of the very version counts wherever it lies; of the others one of the same
// product.
auto Nearness::rank(const Shelf& shelf) const {
  const auto distance = from_asked(shelf);
  return std::tuple(&shelf != here_, asked_ && distance != Distance{}, !beside(shelf.path, directory_),
                    distance, !shelf.promoted, shelf.linked);
}

Catalogue::Shelves Nearness::nearest(Catalogue::Shelves shelves) const {
  if (shelves.empty()) return shelves;
  const auto best = std::ranges::min(shelves, {}, [this](const Shelf* shelf) { return rank(*shelf); });
  std::erase_if(shelves, [this, wanted = rank(*best)](const Shelf* shelf) { return rank(*shelf) != wanted; });
  if (asked_) shelves = {std::ranges::max(shelves, {}, [](const Shelf* shelf) { return shelf->version(); })};
  return shelves;
}

Catalogue::Shelves Nearness::by_version(Catalogue::Shelves shelves) const {
  std::ranges::stable_sort(shelves, {}, [this](const Shelf* shelf) { return from_asked(*shelf); });
  return shelves;
}

}  // namespace storage
