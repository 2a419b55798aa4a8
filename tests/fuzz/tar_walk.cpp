// A file of any bytes as an access point's image: the walk stays inside the file and ends, and it calls whole
// only what has its end.
#include "storage/archives/tar_walk.hpp"

#include <algorithm>

#include "storage/archives/tar_header.hpp"
#include "tests/fuzz/require.hpp"

using fuzz::require;
using storage::TarWalk;

namespace {

void check(const TarWalk& walk, std::span<const std::byte> bytes) {
  require(walk.offset <= bytes.size(), "the walk ends inside the file");
  require(walk.content <= bytes.size(), "members lie inside the file");
  require(walk.names.size() <= 256, "names are bounded");
  if (walk.end == TarWalk::End::no_tar)
    require(walk.names.empty() && walk.at.empty(), "no tar has no members");
  if (walk.end != TarWalk::End::whole) return;
  require(bytes.size() - walk.offset >= 2 * storage::tar_block, "a whole tar has room for its end");
  const auto end = bytes.subspan(walk.offset, 2 * storage::tar_block);
  require(std::ranges::all_of(end, [](std::byte byte) { return byte == std::byte{0}; }), "which is zeros");
}

void check_cut(const TarWalk& whole, const storage::ReadAt& read) {
  if (whole.end != TarWalk::End::whole) return;
  const auto cut = storage::walk_tar(whole.offset + storage::tar_block, read);
  require(cut.end == TarWalk::End::no_end, "without its second block of zeros it has no end");
  require(cut.names == whole.names && cut.offset == whole.offset, "and the same members");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const storage::ReadAt read = [bytes](std::uint64_t offset, std::span<std::byte> into) {
    if (offset > bytes.size() || into.size() > bytes.size() - offset) return false;
    std::ranges::copy(bytes.subspan(offset, into.size()), into.begin());
    return true;
  };
  const auto walk = storage::walk_tar(size, read);
  check(walk, bytes);
  check_cut(walk, read);
  return 0;
}
