#pragma once
#include <cstdint>

namespace storage {

// What an archive may need besides its members' bytes: 10,000 headers with long names.
constexpr std::uint64_t room_for_headers = 64ULL << 20;

// The bounds for a hostile archive: import.max_members, import.max_total and import.max_ratio.
struct UnpackLimits {
  std::uint64_t max_members = 10'000;
  std::uint64_t max_total = 16ULL << 30;  // bytes, unpacked; and of the file itself, with room_for_headers
  std::uint64_t max_ratio = 200;          // unpacked to packed, for one member and for the whole
  friend bool operator==(const UnpackLimits&, const UnpackLimits&) = default;
};

}  // namespace storage
