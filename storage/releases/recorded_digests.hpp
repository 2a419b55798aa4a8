#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "storage/files/file.hpp"
#include "storage/files/path.hpp"

namespace storage {

class Depot;

// What imports wrote down about single files, so that one who serves a file can name its digest without
// reading it. Keeps the manifests that it has read, and looks only whether they changed. Safe from any
// thread; waits for the disk: for workers. The depot must outlive it.
class RecordedDigests {
 public:
  explicit RecordedDigests(const Depot& depot) : depot_(depot) {}

  // The SHA-256, in hexadecimal digits, of the file at `path`, which is open with these attributes. Nothing
  // where no import recorded it, and where its size or time shows that it is another file since.
  std::optional<std::string> sha256_of(const Path& path, const Attributes& file);

 private:
  struct Digest {
    std::uint64_t size = 0;
    std::string sha256;
  };
  struct Known {
    std::int64_t written = 0;  // of the manifest, in the file system's own clock
    std::uintmax_t size = 0;
    std::int64_t imported = 0;  // seconds since 1970
    std::map<std::string, Digest> members;
  };
  static constexpr std::size_t most_known = 256;  // manifests

  const Known* known(const std::string& release);

  const Depot& depot_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by the release's path
};

}  // namespace storage
