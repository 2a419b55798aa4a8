#pragma once
#include <span>
#include <vector>

#include "protocols/tftp/block_numbers.hpp"
#include "protocols/tftp/transfer.hpp"

namespace server {

// How DATA packets lie in memory: each with its header, one behind the other.
class PacketLayout {
 public:
  using Packets = std::span<const std::byte>;
  using Pieces = std::vector<std::span<std::byte>>;

  explicit PacketLayout(const tftp::Negotiated& negotiated)
      : block_size_(negotiated.block_size), numbers_(negotiated.rollover) {}

  std::size_t block_size() const { return block_size_; }
  std::size_t packet_size() const { return block_size_ + tftp::data_header_size; }
  std::size_t size_of(const tftp::SendData& batch) const {
    return batch.count * tftp::data_header_size + batch.size;
  }

  void write_header(std::span<std::byte> packet, std::uint64_t block) const;
  // Writes the headers of `batch`, and gives the gaps that its bytes belong into.
  Packets lay_out(const tftp::SendData& batch, std::span<std::byte> buffer, Pieces& gaps) const;

 private:
  std::size_t block_size_;
  tftp::BlockNumbers numbers_;
};

}  // namespace server
