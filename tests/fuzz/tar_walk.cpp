// A file of any bytes as an access point's image: the walk stays inside the file and ends, and it calls whole
// only what has its end. An image that passes by in portions is judged as the file.
#include "storage/archives/tar_walk.hpp"

#include <algorithm>
#include <cstdint>

#include "storage/archives/tar_header.hpp"
#include "storage/images/image_stream.hpp"
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

void check_stream(std::span<const std::byte> bytes, const storage::ReadAt& read) {
  const auto portion = 1 + bytes.size() % 1500;
  storage::ImageStream stream("ap1g8");
  for (std::size_t at = 0; at < bytes.size(); at += portion)
    stream.update(bytes.subspan(at, std::min(portion, bytes.size() - at)));
  require(stream.size() == bytes.size(), "all of it has passed");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto whole = storage::check_image({"ap1g8", text.substr(0, storage::image_beginning), bytes.size(),
                                           [&] { return storage::walk_tar(bytes.size(), read); }});
  const auto passed = stream.check();
  require(passed.damage == whole.damage, "a stream is as damaged as the file");
  require(passed.doubts == whole.doubts && passed.remarks == whole.remarks, "and as doubtful");
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
  check_stream(bytes, read);
  return 0;
}
