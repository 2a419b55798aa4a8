#pragma once
#include <optional>
#include <string>
#include <vector>

#include "storage/files/path.hpp"

namespace storage {
class Depot;
}  // namespace storage

namespace server::http {

// The names in a folder of images, for a person or a program that looks for one. Pure, but for names_in().
struct ImageList {
  static constexpr std::size_t most = 10'000;
  struct Name {
    std::string name;
    bool folder = false;
    std::uint64_t size = 0;
    std::int64_t modified = 0;  // seconds since 1970
  };
  storage::Path folder;
  std::vector<Name> names;  // folders first, each in order
  bool cut = false;         // there are more
};

// May wait for the disk. Nothing where there is no such folder. `uploads`: whether what clients sent is told.
std::optional<ImageList> names_in(const storage::Depot& depot, const storage::Path& folder, bool uploads);

std::string html_of(const ImageList& list);
std::string json_of(const ImageList& list);

}  // namespace server::http
