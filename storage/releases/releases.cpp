#include "storage/releases/releases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>

#include "storage/archives/member_name.hpp"
#include "storage/depot/depot.hpp"
#include "storage/images/layout.hpp"
#include "storage/images/release_name.hpp"
#include "storage/releases/manifest.hpp"
#include "storage/releases/published.hpp"

namespace storage {
namespace {

bool is_release(const Shelf& shelf) {
  return !shelf.linked && !shelf.path.is_root() && !is_other(shelf.path);
}

// The first directory, where there is one above the release's own.
std::string product_of(const Shelf& shelf) {
  const auto directories = shelf.path.components();
  if (directories.size() > 1) return directories.front();
  ReleaseEvidence evidence{.bundle_name = directories.front(),
                           .controller_version = shelf.controller_version,
                           .ap_version = shelf.ap_version,
                           .members = {}};
  for (const auto& file : shelf.files) evidence.members.push_back(file.name);
  return name_release(evidence).product;
}

// "17.09.04a", as the archives of IOS XE are named.
std::string padded(const Version& version) {
  std::string text;
  for (const auto field : version.fields) text += fmt::format("{}{:02}", text.empty() ? "" : ".", field);
  return text + version.letter;
}

std::vector<std::string> spellings_of(const Shelf& shelf) {
  std::vector<std::string> spellings;
  const auto add = [&](const std::string& spelling) {
    if (std::ranges::find(spellings, spelling) == spellings.end()) spellings.push_back(spelling);
  };
  if (const auto version = shelf.version()) {
    add(version->joined('.'));
    if (version->fields.size() == 3 && version->rebuild == 0) add(padded(*version));
    add(version->joined('_'));
  }
  if (shelf.ap_version && Version::parse(*shelf.ap_version)) add(*shelf.ap_version);
  if (shelf.controller_version && Version::parse(*shelf.controller_version)) add(*shelf.controller_version);
  return spellings;
}

std::optional<Manifest> load_record(const Depot& depot, const Path& release,
                                    std::vector<std::string>& warnings) try {
  return load_manifest(manifest_of(depot, release.text()));
} catch (const std::runtime_error& damaged) {
  warnings.emplace_back(damaged.what());
  return {};
}

// A file that has another size by now is not the one that was imported.
std::optional<std::string> digest_of(const Manifest& manifest, const Shelf::File& file) {
  const auto member = std::ranges::find(manifest.members, file.name, &Member::name);
  if (member == manifest.members.end() || member->size != file.size) return {};
  return member->sha256;
}

Release describe(const Depot& depot, const Shelf& shelf, std::vector<std::string>& warnings) {
  Release release{.path = shelf.path,
                  .product = product_of(shelf),
                  .version = shelf.version(),
                  .spellings = spellings_of(shelf),
                  .images = {},
                  .imported_at = {},
                  .verified = {},
                  .current = shelf.promoted};
  const auto manifest = load_record(depot, shelf.path, warnings);
  for (const auto& file : shelf.files)
    release.images.push_back({file.name, file.size, manifest ? digest_of(*manifest, file) : std::nullopt});
  if (!manifest) return release;
  release.imported_at = manifest->imported_at;
  release.verified = manifest->verified;
  return release;
}

bool names(std::string_view wanted, const Spelling& spelling, const Shelf& shelf) {
  if (folded(shelf.path.name()) == folded(wanted)) return true;
  return spelling.version() && spells(spelling, shelf.spelling, shelf.builds);
}

}  // namespace

std::vector<Release> releases_in(const Depot& depot, const Catalogue& catalogue,
                                 std::vector<std::string>& warnings) {
  std::vector<Release> releases;
  for (const auto* shelf : all_releases(catalogue)) releases.push_back(describe(depot, *shelf, warnings));
  const auto rank = [](const Release& release) { return std::tie(release.product, release.version); };
  std::ranges::stable_sort(releases, [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return releases;
}

Catalogue::Shelves releases_named(const Catalogue& catalogue, std::string_view wanted) {
  const auto path = Path::parse(wanted);
  if (!path) return {};
  const auto* exact = catalogue.shelf(*path);
  if (exact && is_release(*exact)) return {exact};
  auto shelves = all_releases(catalogue);
  std::erase_if(shelves, [&, spelling = Spelling(path->components())](const Shelf* shelf) {
    return !names(wanted, spelling, *shelf);
  });
  return shelves;
}

Catalogue::Shelves all_releases(const Catalogue& catalogue) {
  Catalogue::Shelves shelves;
  for (const auto& shelf : catalogue.shelves()) {
    if (is_release(shelf)) shelves.push_back(&shelf);
  }
  return shelves;
}

}  // namespace storage
