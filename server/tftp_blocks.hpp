#pragma once
#include <deque>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "protocols/tftp/block_numbers.hpp"
#include "protocols/tftp/netascii.hpp"
#include "protocols/tftp/transfer.hpp"
#include "storage/file.hpp"

namespace server {

// The DATA packets of one file, ready to be sent: each with its header, one behind the other.
class TftpBlocks {
 public:
  using Packets = std::span<const std::byte>;

  struct Filled {
    std::uint64_t block;  // the first one
    std::vector<std::byte> packets{};
    std::error_code error{};
    bool cut_short = false;                // the file has fewer bytes than were named
    std::optional<tftp::SendData> last{};  // a text's last block, once it shows
  };

  explicit TftpBlocks(storage::File file, const tftp::Negotiated& negotiated);
  virtual ~TftpBlocks() = default;

  // From memory: nothing when the disk would have to be asked. The loop's scratch holds it until the next
  // call.
  virtual std::optional<Packets> cached(const tftp::SendData& batch) = 0;
  // May wait for the disk: for a worker, one at a time.
  virtual Filled read(const tftp::SendData& batch) = 0;

  std::size_t packet_size() const { return block_size_ + tftp::data_header_size; }

 protected:
  void write_header(std::span<std::byte> packet, std::uint64_t block) const;

  const storage::File file_;
  const std::size_t block_size_;

 private:
  const tftp::BlockNumbers numbers_;
};

// The file as it is. One read fills the gaps between the headers; in lockstep it brings the next few blocks
// too.
class OctetBlocks final : public TftpBlocks {
 public:
  using TftpBlocks::TftpBlocks;
  std::optional<Packets> cached(const tftp::SendData& batch) override;
  Filled read(const tftp::SendData& batch) override;

 private:
  bool copy_ahead(std::uint64_t offset, std::span<std::byte> out);
  Packets lay_out(const tftp::SendData& batch, std::span<std::byte> buffer,
                  std::vector<std::span<std::byte>>& pieces) const;

  std::vector<std::byte> ahead_;  // what lies at ahead_offset_ in the file
  std::uint64_t ahead_offset_ = 0;
};

// The file as a text. Always by way of a worker: nobody waits for texts.
class TextBlocks final : public TftpBlocks {
 public:
  TextBlocks(storage::File file, const tftp::Negotiated& negotiated);
  std::optional<Packets> cached(const tftp::SendData&) override { return {}; }
  Filled read(const tftp::SendData& batch) override;

 private:
  tftp::TextPosition position_of(std::uint64_t block) const { return positions_.at(block - first_); }
  void remember(std::uint64_t block, const tftp::TextPosition& position);

  const std::size_t window_;
  std::uint64_t first_ = 1;  // the block that positions_ begins with: none before it is sent again
  std::deque<tftp::TextPosition> positions_;
};

}  // namespace server
