#include "server/tftp/blocks.hpp"

#include <algorithm>
#include <array>

#include "storage/files/file_changed.hpp"

namespace server {
namespace {

// The loop's own, for one batch: filled and sent in one go, never kept across a wait.
struct Scratch {
  std::vector<std::byte> packets = std::vector<std::byte>(65'536);
  PacketLayout::Pieces gaps;
};
Scratch& scratch() {
  static thread_local Scratch only;
  return only;
}

void look_again(const storage::File& file, TftpBlocks::Filled& filled) {
  const auto same = storage::expect_unchanged(file);
  if (same) return;
  if (storage::is_file_changed(same.error())) {
    filled.changed = true;
  } else {
    filled.error = same.error();
  }
}

}  // namespace

bool OctetBlocks::ends_file(const tftp::SendData& batch) const {
  return batch.size < std::uint64_t{batch.count} * layout_.block_size();
}

std::optional<TftpBlocks::Packets> OctetBlocks::cached(const tftp::SendData& batch) {
  if (ends_file(batch)) return {};
  // What is sent again is read again: its client may be gone, and holds no memory until it shows.
  if (batch.block <= furthest_) {
    run_.reset();
  } else {
    furthest_ = batch.block;
    if (const auto packets = image_->packets(batch, run_)) return packets;
  }
  auto& [buffer, gaps] = scratch();
  const auto packets = layout_.lay_out(batch, buffer, gaps);
  const auto got = image_->file().read_cached(gaps, batch.offset);
  if (!got || *got < batch.size) return {};
  return packets;
}

bool OctetBlocks::only_asks(const tftp::SendData& batch) const {
  if (!ends_file(batch)) return false;
  auto& [buffer, gaps] = scratch();
  layout_.lay_out(batch, buffer, gaps);
  const auto got = image_->file().read_cached(gaps, batch.offset);
  return got && *got == batch.size;
}

TftpBlocks::Filled OctetBlocks::read(const tftp::SendData& batch) {
  Filled filled{.block = batch.block};
  filled.packets.resize(layout_.size_of(batch));
  PacketLayout::Pieces gaps;
  layout_.lay_out(batch, filled.packets, gaps);
  const auto got = image_->file().read(gaps, batch.offset);
  if (!got) filled.error = got.error();
  filled.changed = got && *got < batch.size;
  // Only now: what was read before the look is what the file was then.
  if (got && ends_file(batch)) look_again(image_->file(), filled);
  return filled;
}

TextBlocks::TextBlocks(storage::File file, const tftp::Negotiated& negotiated)
    : TftpBlocks(PacketLayout(negotiated)),
      file_(std::move(file)),
      window_(negotiated.window),
      positions_{{}} {}

TftpBlocks::Filled TextBlocks::read(const tftp::SendData& batch) {
  Filled filled{.block = batch.block};
  auto position = position_of(batch.block);
  // Enough: a byte becomes one or two. What is written behind the file's end meanwhile is not read.
  std::vector<std::byte> raw(
      std::min(batch.count * layout_.block_size(), file_.at_open().size - position.offset));
  const std::array<std::span<std::byte>, 1> pieces{raw};
  const auto got = file_.read(pieces, position.offset);
  if (!got) {
    filled.error = got.error();
    return filled;
  }
  filled.changed = *got < raw.size();
  auto rest = std::span<const std::byte>(raw).first(*got);
  filled.binary = std::ranges::find(rest, std::byte{0}) != rest.end();
  for (auto block = batch.block; block < batch.block + batch.count; ++block) {
    const auto at = filled.packets.size();
    filled.packets.resize(at + packet_size());
    const auto packet = std::span(filled.packets).subspan(at);
    layout_.write_header(packet, block);
    const auto begin = position.offset;
    const auto size = tftp::to_netascii(rest, packet.subspan(tftp::data_header_size), position);
    rest = rest.subspan(position.offset - begin);
    if (size < layout_.block_size()) {
      filled.packets.resize(at + tftp::data_header_size + size);
      filled.last = tftp::SendData{.block = block, .size = size};
      look_again(file_, filled);
      break;
    }
    remember(block + 1, position);
  }
  return filled;
}

void TextBlocks::remember(std::uint64_t block, const tftp::TextPosition& position) {
  const auto place = block - first_;
  if (place < positions_.size()) return;  // of a resend
  positions_.push_back(position);
  // Nothing further back than a window is sent again.
  for (; positions_.size() > 2 * window_ + 1; ++first_) positions_.pop_front();
}

}  // namespace server
