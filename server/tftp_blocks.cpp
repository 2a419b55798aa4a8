#include "server/tftp_blocks.hpp"

#include <algorithm>
#include <array>

namespace server {
namespace {

// The loop's own, for one batch: filled and sent in one go, never kept across a wait.
struct Scratch {
  std::vector<std::byte> packets = std::vector<std::byte>(65'536);
  std::vector<std::span<std::byte>> pieces;
};
Scratch& scratch() {
  static thread_local Scratch only;
  return only;
}

// A thousand transfers may stand idle, each with so much.
constexpr std::size_t most_ahead = 8192;

}  // namespace

TftpBlocks::TftpBlocks(storage::File file, const tftp::Negotiated& negotiated)
    : file_(std::move(file)), block_size_(negotiated.block_size), numbers_(negotiated.rollover) {}

void TftpBlocks::write_header(std::span<std::byte> packet, std::uint64_t block) const {
  tftp::encode_data_header(packet.first<tftp::data_header_size>(), numbers_.wire(block));
}

std::optional<TftpBlocks::Packets> OctetBlocks::cached(const tftp::SendData& batch) {
  auto& [buffer, pieces] = scratch();
  const auto packets = lay_out(batch, buffer, pieces);
  if (batch.count == 1 && !pieces.empty() && copy_ahead(batch.offset, pieces.front())) return packets;
  const auto got = file_.read_cached(pieces, batch.offset);
  if (!got || *got < batch.size) return {};
  return packets;
}

// A system call for each small block would be a tenth of what it costs.
bool OctetBlocks::copy_ahead(std::uint64_t offset, std::span<std::byte> out) {
  if (2 * block_size_ > most_ahead) return false;
  if (offset < ahead_offset_ || offset + out.size() > ahead_offset_ + ahead_.size()) {
    ahead_.resize(most_ahead / block_size_ * block_size_);
    ahead_offset_ = offset;
    const std::array<std::span<std::byte>, 1> pieces{ahead_};
    ahead_.resize(file_.read_cached(pieces, offset).value_or(0));
    if (ahead_.size() < out.size()) return false;
  }
  std::ranges::copy(std::span(ahead_).subspan(offset - ahead_offset_, out.size()), out.begin());
  return true;
}

TftpBlocks::Filled OctetBlocks::read(const tftp::SendData& batch) {
  Filled filled{.block = batch.block};
  filled.packets.resize(batch.count * tftp::data_header_size + batch.size);
  std::vector<std::span<std::byte>> pieces;
  lay_out(batch, filled.packets, pieces);
  const auto got = file_.read(pieces, batch.offset);
  if (!got) filled.error = got.error();
  filled.cut_short = got && *got < batch.size;
  return filled;
}

TftpBlocks::Packets OctetBlocks::lay_out(const tftp::SendData& batch, std::span<std::byte> buffer,
                                         std::vector<std::span<std::byte>>& pieces) const {
  pieces.clear();
  std::size_t at = 0;
  auto left = batch.size;
  for (std::uint32_t i = 0; i < batch.count; ++i) {
    write_header(buffer.subspan(at), batch.block + i);
    at += tftp::data_header_size;
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left, block_size_));
    if (size > 0) pieces.push_back(buffer.subspan(at, size));
    at += size;
    left -= size;
  }
  return buffer.first(at);
}

TextBlocks::TextBlocks(storage::File file, const tftp::Negotiated& negotiated)
    : TftpBlocks(std::move(file), negotiated), window_(negotiated.window), positions_{{}} {}

TftpBlocks::Filled TextBlocks::read(const tftp::SendData& batch) {
  Filled filled{.block = batch.block};
  auto position = position_of(batch.block);
  // Enough: a byte becomes one or two. What is written behind the file's end meanwhile is not read.
  std::vector<std::byte> raw(std::min(batch.count * block_size_, file_.at_open().size - position.offset));
  const std::array<std::span<std::byte>, 1> pieces{raw};
  const auto got = file_.read(pieces, position.offset);
  if (!got) {
    filled.error = got.error();
    return filled;
  }
  filled.cut_short = *got < raw.size();
  auto rest = std::span<const std::byte>(raw).first(*got);
  for (auto block = batch.block; block < batch.block + batch.count; ++block) {
    const auto at = filled.packets.size();
    filled.packets.resize(at + packet_size());
    const auto packet = std::span(filled.packets).subspan(at);
    write_header(packet, block);
    const auto begin = position.offset;
    const auto size = tftp::to_netascii(rest, packet.subspan(tftp::data_header_size), position);
    rest = rest.subspan(position.offset - begin);
    if (size < block_size_) {
      filled.packets.resize(at + tftp::data_header_size + size);
      filled.last = tftp::SendData{.block = block, .size = size};
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
