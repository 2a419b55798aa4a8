#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace storage {

class File;

// What a walk along a tar's headers found. An access point's image is a tar, and this is all that can be told
// about one without the vendor's key: whether it is whole.
struct TarWalk {
  enum class End {
    whole,    // the two blocks of zeros are there
    no_tar,   // it does not begin with a header
    no_end,   // it ends behind a member, without the two blocks of zeros
    broken,   // what should be a header is none
    bad_sum,  // the same, and it is marked as one: its checksum is wrong
    cut       // it ends inside a member or a header
  };
  End end = End::no_tar;
  std::string at;                  // the member that is cut, or behind which it breaks off; raw
  std::uint64_t offset = 0;        // where the walk ended
  std::uint64_t content = 0;       // bytes in all members
  std::vector<std::string> names;  // of the first members, raw
  std::string info;                // the classic image's description, from its member "info"
  bool info_begins = false;        // "info" is the first member
  bool info_ends = false;          // there is an "info.ver", which a classic image ends with
};

constexpr std::size_t longest_info = 4096;  // bytes that the walk reads of it

// Fills the bytes from the offset on; false when they cannot be had whole.
using ReadAt = std::function<bool(std::uint64_t offset, std::span<std::byte> into)>;

// Reads the headers only. Pure but for `read`.
TarWalk walk_tar(std::uint64_t size, const ReadAt& read);
// Throws std::system_error when the disk fails. May wait for it: for a worker.
TarWalk walk_tar(const File& file);

}  // namespace storage
