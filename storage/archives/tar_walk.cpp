#include "storage/archives/tar_walk.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>

#include "storage/archives/tar_header.hpp"
#include "storage/files/file.hpp"

namespace storage {
namespace {

using End = TarWalk::End;

constexpr std::size_t most_names = 256;
// A member costs a read, and an image has some ten. What has that many is no image.
constexpr std::size_t most_headers = 100'000;

bool all_zero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

class Walker {
 public:
  Walker(std::uint64_t size, const ReadAt& read) : size_(size), read_(read) {}

  TarWalk run() {
    std::optional<End> end;
    for (std::size_t count = 0; !end && count < most_headers; ++count) end = step();
    found_.end = end.value_or(End::broken);
    return std::move(found_);
  }

 private:
  std::optional<End> step() {
    std::array<std::byte, tar_block> block{};
    const auto rest = size_ - found_.offset;
    if (rest < tar_block) return behind_last(rest);
    if (!read_(found_.offset, block)) return End::cut;
    if (is_zero_block(block)) return begun_ ? closing() : End::no_tar;
    const auto header = parse_tar_header(block);
    if (!header && has_tar_magic(block)) return End::bad_sum;
    if (!header) return begun_ ? End::broken : End::no_tar;
    return take(*header);
  }

  std::optional<End> take(const TarHeader& header) {
    begun_ = true;
    if (header.is_file()) note(header);
    found_.at = header.name;
    const auto content = header.content(), begin = found_.offset + tar_block;
    if (content > size_ - begin) return End::cut;
    found_.content += content;
    // The last member's padding may be missing: nothing of the member is.
    found_.offset = std::min(begin + in_blocks(content), size_);
    return std::nullopt;
  }

  void note(const TarHeader& header) {
    if (header.name == "info" && found_.names.empty()) {
      found_.info_begins = true;
      found_.info.resize(static_cast<std::size_t>(std::min<std::uint64_t>(header.size, longest_info)));
      if (!read_(found_.offset + tar_block, std::as_writable_bytes(std::span(found_.info))))
        found_.info.clear();
    }
    if (header.name == "info.ver") found_.info_ends = true;
    if (found_.names.size() < most_names) found_.names.push_back(header.name);
  }

  // One block of zeros was read.
  End closing() const {
    std::array<std::byte, tar_block> block{};
    const bool there = size_ - found_.offset >= 2 * tar_block && read_(found_.offset + tar_block, block);
    return there && is_zero_block(block) ? End::whole : End::no_end;
  }

  End behind_last(std::uint64_t rest) const {
    if (!begun_) return End::no_tar;
    std::vector<std::byte> bytes(static_cast<std::size_t>(rest));
    return read_(found_.offset, bytes) && all_zero(bytes) ? End::no_end : End::cut;
  }

  const std::uint64_t size_;
  const ReadAt& read_;
  TarWalk found_;
  bool begun_ = false;
};

}  // namespace

TarWalk walk_tar(std::uint64_t size, const ReadAt& read) { return Walker(size, read).run(); }

TarWalk walk_tar(const File& file) {
  const auto read = [&file](std::uint64_t offset, std::span<std::byte> into) {
    for (std::size_t have = 0; have < into.size();) {
      const auto rest = into.subspan(have);
      const auto got = file.read({&rest, 1}, offset + have);
      if (!got) throw std::system_error(got.error(), "cannot read the image");
      if (*got == 0) return false;
      have += *got;
    }
    return true;
  };
  return walk_tar(file.at_open().size, read);
}

}  // namespace storage
