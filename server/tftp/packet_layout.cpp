#include "server/tftp/packet_layout.hpp"

#include <algorithm>

namespace server {

void PacketLayout::write_header(std::span<std::byte> packet, std::uint64_t block) const {
  tftp::encode_data_header(packet.first<tftp::data_header_size>(), numbers_.wire(block));
}

PacketLayout::Packets PacketLayout::lay_out(const tftp::SendData& batch, std::span<std::byte> buffer,
                                            Pieces& gaps) const {
  gaps.clear();
  std::size_t at = 0;
  auto left = batch.size;
  for (std::uint32_t i = 0; i < batch.count; ++i) {
    write_header(buffer.subspan(at), batch.block + i);
    at += tftp::data_header_size;
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left, block_size_));
    if (size > 0) gaps.push_back(buffer.subspan(at, size));
    at += size;
    left -= size;
  }
  return buffer.first(at);
}

}  // namespace server
