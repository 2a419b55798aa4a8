#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace storage {

// What an import has published.
struct Imported {
  std::string path;   // "/EWC/17_9_4a"; of a single image its directory, of an unknown file "/other/NAME"
  std::string image;  // the single image's name; empty for a bundle
  std::uint64_t members = 0, bytes = 0;
  bool already_there =
      false;             // the same members with the same digests are published already: nothing was changed
  bool verified = true;  // no doubt about its structure, or a digest from the vendor confirmed it
  std::vector<std::string> warnings;
};

}  // namespace storage
