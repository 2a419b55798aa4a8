#pragma once
#include <cstdint>
#include <string>

namespace storage {

// A file that was unpacked, or copied, from a bundle.
struct Member {
  std::string name;
  std::uint64_t size = 0;
  std::string sha256;  // hex
  friend bool operator==(const Member&, const Member&) = default;
};

}  // namespace storage
