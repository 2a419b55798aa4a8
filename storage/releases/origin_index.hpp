#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/files/file.hpp"

namespace storage {

class Depot;

// Which releases came out of which file, by the manifests. Each manifest is read again only when it changed,
// so that a list of thousands of digests costs as much as one. One thread at a time; may wait for the disk.
class OriginIndex {
 public:
  explicit OriginIndex(const Depot& depot) : depot_(depot) {}

  // Looks at the manifests. The number grows when one of them came, changed or went since the last time.
  std::uint64_t refresh();
  // The manifests that name `file`, an archive or image by its file name, as of the last refresh().
  std::vector<std::filesystem::path> manifests_of(const std::string& file) const;

 private:
  struct Known {
    FileVersion version;
    std::vector<std::string> origins;
  };

  const Depot& depot_;
  std::map<std::filesystem::path, Known> known_;
  std::multimap<std::string, std::filesystem::path> by_origin_;
  std::uint64_t number_ = 0;
};

// The path of the release that came out of a file with this SHA-512, in lower-case hex; empty: there is none.
// Reads the manifests. Throws std::system_error.
std::string release_out_of(const Depot& depot, std::string_view sha512);

}  // namespace storage
