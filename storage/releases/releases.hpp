#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/lookup/catalogue.hpp"

namespace storage {

class Depot;

// One release as an administrator sees it: a directory of images/ that holds files, whether it was imported
// or put there by hand. Links to one, such as `current`, are none.
struct Release {
  struct Image {
    std::string name;
    std::uint64_t size = 0;             // bytes
    std::optional<std::string> sha256;  // hex, as it was imported
  };
  Path path;
  std::string product;
  std::optional<Version> version;
  std::vector<std::string> spellings;  // of the version: "17.9.4a", "17.09.04a", "17_9_4a", "17.9.4.27"
  std::vector<Image> images;
  // Of what was imported; nothing where there is no manifest.
  std::optional<std::string> imported_at;
  std::optional<bool> verified;
  bool current = false;  // what promote made it
};

// All that are in the catalogue of the depot's images: by product, the oldest version first. Reads the
// manifests: may wait for the disk. What is wrong with one of them goes to `warnings`.
std::vector<Release> releases_in(const Depot& depot, const Catalogue& catalogue,
                                 std::vector<std::string>& warnings);

// The shelves that `wanted` names: by their path, or by any spelling.
Catalogue::Shelves releases_named(const Catalogue& catalogue, std::string_view wanted);
Catalogue::Shelves all_releases(const Catalogue& catalogue);

}  // namespace storage
