#include "storage/lookup/forgiving.hpp"

#include <algorithm>
#include <array>

#include "storage/archives/member_name.hpp"
#include "storage/images/image_name.hpp"
#include "storage/images/lookalike.hpp"
#include "storage/images/vendors.hpp"

namespace storage {
namespace {

using Directories = std::span<const std::string>;
using Shelves = Catalogue::Shelves;

constexpr std::string_view unknown_product = "other";  // name_release()'s word
// After one of these stands a person's name, even where it is a product's too.
constexpr std::array<std::string_view, 2> homes = {"home", "users"};

Path path_of(Directories directories) {
  Path path;
  for (const auto& directory : directories) path = path / directory;
  return path;
}

// Those whose directory `at` is `name`, or else those whose directory differs from it by case alone: never
// two directories at once.
Shelves narrowed(const Shelves& shelves, std::size_t at, const std::string& name) {
  Shelves same;
  const auto directory = [at](const Shelf* shelf) { return shelf->path.components()[at]; };
  std::ranges::copy_if(shelves, std::back_inserter(same),
                       [&](const auto* shelf) { return directory(shelf) == name; });
  if (!same.empty()) return same;
  if (std::ranges::adjacent_find(shelves, std::ranges::not_equal_to{}, directory) != shelves.end()) return {};
  return shelves;
}

Shelves by_case(const Catalogue& catalogue, Directories directories) {
  const auto path = path_of(directories);
  auto shelves = catalogue.like(path);
  std::erase_if(shelves, [wanted = folded(path.text())](const Shelf* shelf) {
    return folded(shelf->path.text()) != wanted;
  });
  for (std::size_t at = 0; at < directories.size(); ++at) shelves = narrowed(shelves, at, directories[at]);
  return shelves;
}

Shelves by_version(const Catalogue& catalogue, Directories directories) {
  const Spelling asked(directories);
  if (!asked.version()) return {};
  auto shelves = catalogue.numbered(*asked.version());
  std::erase_if(shelves, [&](const Shelf* shelf) { return !spells(asked, shelf->spelling, shelf->builds); });
  return shelves;
}

bool names_product(std::string_view directory, std::string_view product) {
  return folded(directory) == folded(product) || look_alike(directory, product);
}

bool claims(const Vendor* vendor, std::string_view directory) {
  return std::ranges::any_of(vendor->products, [&](const Product& product) {
    return product.claims_paths && names_product(directory, product.name);
  });
}

// Whether a directory that is to be dropped speaks against the shelf: it names another product, or a release
// that is here too.
bool contradicts(const std::string& dropped, const Shelf& shelf, const Catalogue& catalogue) {
  const auto same = [&](const auto& own) { return folded(own) == folded(dropped); };
  if (std::ranges::any_of(shelf.path.components(), same)) return false;
  if (std::ranges::any_of(vendors(), [&](const auto* vendor) { return claims(vendor, dropped); }))
    return true;
  const auto named = [&](std::string_view product) { return names_product(dropped, product); };
  if (std::ranges::any_of(catalogue.tops(), named)) return true;
  const auto version = version_in(dropped);
  return version && catalogue.has(*version);
}

bool is_person(Directories directories, std::size_t at) {
  return at > 0 && std::ranges::find(homes, folded(directories[at - 1])) != homes.end();
}

bool contradicted(const Shelf& shelf, Directories dropped, const Catalogue& catalogue) {
  for (std::size_t at = 0; at < dropped.size(); ++at) {
    if (!is_person(dropped, at) && contradicts(dropped[at], shelf, catalogue)) return true;
  }
  return false;
}

struct Fits {
  Shelves shelves;
  Rule rule = Rule::letter_case;
};

// The shelves that the last of `directories` name, the first `dropped` of them left out.
Fits without_first(const Catalogue& catalogue, Directories directories, std::size_t dropped) {
  Fits fits{by_case(catalogue, directories.subspan(dropped))};
  if (fits.shelves.empty()) fits = {by_version(catalogue, directories.subspan(dropped)), Rule::version};
  if (dropped == 0) return fits;
  fits.rule = Rule::prefix;
  std::erase_if(fits.shelves, [&](const Shelf* shelf) {
    return contradicted(*shelf, directories.first(dropped), catalogue);
  });
  return fits;
}

// The more directories agree, the surer it is: the first that fit anything decide, and the file must be
// there.
Fits fitting(const Catalogue& catalogue, const AskedName& asked) {
  const bool drive = asked.rule == Rule::prefix;
  const auto directories = asked.path.components().first(asked.path.components().size() - 1);
  if (directories.empty()) return drive ? Fits{} : without_first(catalogue, directories, 0);
  Fits fits;
  for (std::size_t dropped = 0; dropped < directories.size() && fits.shelves.empty(); ++dropped) {
    if (directories.size() - dropped > deepest_shelf) continue;
    fits = without_first(catalogue, directories, dropped);
  }
  if (drive) fits.rule = Rule::prefix;
  return fits;
}

// A name without any directory, as `ap-type` and `boardinit` on an access point send it: of the one release
// that holds such an image, or else of the promoted one. What lies in /other is of no release.
std::optional<Meant> without_directory(const Catalogue& catalogue, std::string_view name) {
  if (!is_image_name(name)) return {};
  auto holders = catalogue.holding(name);
  std::erase_if(holders, [&](const Shelf* shelf) {
    return shelf->linked || shelf->path.is_root() || !shelf->file(name) ||
           shelf->path.components().front() == unknown_product;
  });
  auto rule = Rule::only_release;
  if (holders.size() > 1) {
    rule = Rule::promoted;
    std::erase_if(holders, [](const Shelf* shelf) { return !shelf->promoted; });
  }
  if (holders.size() != 1) return {};
  return Meant{holders.front()->path / *holders.front()->file(name), rule};
}

}  // namespace

std::optional<Meant> plainly_meant(const Catalogue& catalogue, const AskedName& asked) {
  if (asked.path.is_root()) return {};
  auto fits = fitting(catalogue, asked);
  const auto name = asked.path.name();
  std::erase_if(fits.shelves, [&](const Shelf* shelf) { return !shelf->file(name); });
  const bool bare = asked.path.parent().is_root() && asked.rule != Rule::prefix;
  if (bare && fits.shelves.empty()) return without_directory(catalogue, name);
  if (fits.shelves.size() != 1) return {};
  const auto& shelf = *fits.shelves.front();
  return Meant{shelf.path / *shelf.file(name), fits.rule};
}

const Shelf* shelf_meant(const Catalogue& catalogue, const AskedName& asked) {
  if (asked.path.is_root()) return nullptr;
  const auto fits = fitting(catalogue, asked);
  return fits.shelves.size() == 1 ? fits.shelves.front() : nullptr;
}

}  // namespace storage
