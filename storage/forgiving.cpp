#include "storage/forgiving.hpp"

#include <algorithm>
#include <array>

#include "storage/lookalike.hpp"
#include "storage/member_name.hpp"
#include "storage/spelling.hpp"

namespace storage {
namespace {

using Directories = std::span<const std::string>;
using Shelves = std::vector<const Shelf*>;

// A path below one of these means nothing that lies in another, even where the depot does not have it.
constexpr std::array<std::string_view, 4> products = {"EWC", "ME", "C9800", "Aruba"};

// Those whose directory `at` is `name`, or else those whose directory differs from it by case alone: never
// two directories at once.
Shelves narrowed(const Shelves& shelves, std::size_t at, const std::string& name) {
  Shelves same, similar;
  for (const auto* shelf : shelves) {
    const auto& own = shelf->path.components()[at];
    if (own == name) same.push_back(shelf);
    if (folded(own) == folded(name)) similar.push_back(shelf);
  }
  if (!same.empty()) return same;
  const auto directory = [at](const Shelf* shelf) { return shelf->path.components()[at]; };
  if (std::ranges::adjacent_find(similar, std::ranges::not_equal_to{}, directory) != similar.end()) return {};
  return similar;
}

Shelves by_case(std::span<const Shelf> all, Directories directories) {
  Shelves shelves;
  for (const auto& shelf : all) {
    if (shelf.path.components().size() == directories.size()) shelves.push_back(&shelf);
  }
  for (std::size_t at = 0; at < directories.size(); ++at) shelves = narrowed(shelves, at, directories[at]);
  return shelves;
}

Shelves by_version(const Root& root, std::span<const Shelf> all, Directories directories) {
  Shelves shelves;
  const Spelling asked(directories);
  if (!asked.has_version()) return shelves;
  for (const auto& shelf : all) {
    // A link to a release would make two of one.
    if (!shelf.linked && spells(root, asked, shelf)) shelves.push_back(&shelf);
  }
  return shelves;
}

bool names_product(std::string_view directory, std::string_view product) {
  return folded(directory) == folded(product) || look_alike(directory, product);
}

// Whether a directory that is to be dropped speaks against the shelf: it names another product, or a release
// that is here too.
bool contradicts(const std::string& dropped, const Shelf& shelf, std::span<const Shelf> all) {
  const auto same = [&](const auto& own) { return folded(own) == folded(dropped); };
  if (std::ranges::any_of(shelf.path.components(), same)) return false;
  if (std::ranges::any_of(products, [&](auto product) { return names_product(dropped, product); }))
    return true;
  const auto version = version_in(dropped);
  return std::ranges::any_of(all, [&](const Shelf& other) {
    if (other.path.is_root()) return false;
    return names_product(dropped, other.path.components().front()) ||
           (version && version_in(other.path.name()) == version);
  });
}

struct Fits {
  Shelves shelves;
  Rule rule = Rule::letter_case;
};

// The shelves that the last of `directories` name, the first `dropped` of them left out.
Fits without_first(const Root& root, std::span<const Shelf> all, Directories directories,
                   std::size_t dropped) {
  Fits fits{by_case(all, directories.subspan(dropped))};
  if (fits.shelves.empty()) fits = {by_version(root, all, directories.subspan(dropped)), Rule::version};
  if (dropped == 0) return fits;
  fits.rule = Rule::prefix;
  std::erase_if(fits.shelves, [&](const Shelf* shelf) {
    return std::ranges::any_of(directories.first(dropped), [&](const std::string& directory) {
      return contradicts(directory, *shelf, all);
    });
  });
  return fits;
}

// The more directories agree, the surer it is: the first that fit anything decide, and the file must be
// there.
Fits fitting(const Root& root, std::span<const Shelf> all, const AskedName& asked) {
  const bool drive = asked.rule == Rule::prefix;
  const auto directories = asked.path.components().first(asked.path.components().size() - 1);
  if (directories.empty()) return drive ? Fits{} : without_first(root, all, directories, 0);
  Fits fits;
  for (std::size_t dropped = 0; dropped < directories.size() && fits.shelves.empty(); ++dropped) {
    if (directories.size() - dropped > deepest_shelf) continue;
    fits = without_first(root, all, directories, dropped);
  }
  if (drive) fits.rule = Rule::prefix;
  return fits;
}

}  // namespace

std::optional<Meant> plainly_meant(const Root& root, std::span<const Shelf> shelves, const AskedName& asked) {
  if (asked.path.is_root()) return {};
  auto fits = fitting(root, shelves, asked);
  const auto name = asked.path.name();
  std::erase_if(fits.shelves, [&](const Shelf* shelf) { return !shelf->file(name); });
  if (fits.shelves.size() != 1) return {};
  const auto& shelf = *fits.shelves.front();
  return Meant{shelf.path / *shelf.file(name), fits.rule};
}

const Shelf* shelf_meant(const Root& root, std::span<const Shelf> shelves, const AskedName& asked) {
  if (asked.path.is_root()) return nullptr;
  const auto fits = fitting(root, shelves, asked);
  return fits.shelves.size() == 1 ? fits.shelves.front() : nullptr;
}

}  // namespace storage
