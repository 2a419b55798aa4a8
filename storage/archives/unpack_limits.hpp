#pragma once
#include <cstdint>

namespace storage {

// The bounds for a hostile archive: import.max_members, import.max_total and import.max_ratio.
struct UnpackLimits {
  std::uint64_t max_members = 10'000;
  std::uint64_t max_total = 16ULL << 30;  // bytes, unpacked
  std::uint64_t max_ratio = 200;          // unpacked to packed, for one member and for the whole
  friend bool operator==(const UnpackLimits&, const UnpackLimits&) = default;
};

}  // namespace storage
