#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/archives/unpack_limits.hpp"

namespace storage {

// Decides, member by member and in the archive's order, what may be unpacked and under which name: names that
// are safe on any system, one common leading folder at most, no name twice, and no more members and bytes
// than the settings allow. Pure.
class Admission {
 public:
  explicit Admission(const UnpackLimits& limits) : limits_(limits) {}

  // The name of the file to be made; empty for what is not made: the one leading folder, and clutter
  // (clutter.hpp), which counts for the bounds and for nothing else. `raw` is the name as it stands in the
  // archive, a folder's with a slash behind. Throws Rejected.
  std::string admit(std::string_view raw, std::uint64_t size);
  std::uint64_t total() const { return total_; }  // bytes, as declared
  bool any_file() const { return !seen_.empty(); }
  // The clutter, as it stands in the archive; once admission has ended.
  std::vector<std::string> take_left_out() { return std::move(left_out_); }

 private:
  const UnpackLimits& limits_;
  std::optional<std::string> folder_;        // the common one; empty when there is none
  std::map<std::string, std::string> seen_;  // folded names, and as they stand in the archive
  std::vector<std::string> left_out_;
  std::uint64_t count_ = 0, total_ = 0;

  void count_bytes(std::uint64_t size);
};

}  // namespace storage
