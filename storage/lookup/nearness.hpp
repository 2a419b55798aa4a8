#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "storage/lookup/catalogue.hpp"

namespace storage {

// How far one version is from another: fewer places from the first that differs to the end are nearer, and
// then a smaller difference there. 17.9.4 is next to 17.9.4a, then to 17.9.5, and 17.6.5 and 17.12.1 are
// equally far: two trains cannot be told by what follows.
using Distance = std::pair<std::size_t, std::uint32_t>;
Distance distance(const Version& a, const Version& b);

// Which folders come nearest to the one that was asked for. The folder, and what is compared, must outlive
// it.
class Nearness {
 public:
  // `here` is the folder itself, where it is in the catalogue or was plainly meant.
  Nearness(const Path& directory, const Shelf* here);

  // Of all of these the nearest: the folder itself, the version, the product, the promoted release, and no
  // link, in this order. Where a version was asked for it is one, of two that are alike the newer; else all
  // that are alike, for nothing tells which is meant.
  Catalogue::Shelves nearest(Catalogue::Shelves shelves) const;
  // The nearest version first.
  Catalogue::Shelves by_version(Catalogue::Shelves shelves) const;
  // From the version asked; nothing where none was, or the other is not known.
  std::optional<Distance> from_asked(const std::optional<Version>& version) const;

 private:
  Distance from_asked(const Shelf& shelf) const;
  auto rank(const Shelf& shelf) const;

  const Path& directory_;
  const Shelf* const here_;
  std::optional<Version> asked_;
};

}  // namespace storage
