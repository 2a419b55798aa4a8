#pragma once
#include <deque>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "protocols/tftp/netascii.hpp"
#include "server/tftp/shared_image.hpp"

namespace server {

// The DATA packets of one file, ready to be sent: each with its header, one behind the other.
class TftpBlocks {
 public:
  using Packets = PacketLayout::Packets;

  struct Filled {
    std::uint64_t block;  // the first one
    std::vector<std::byte> packets{};
    std::error_code error{};
    bool changed = false;                  // the file is not what it was when it was opened
    bool binary = false;                   // of a text: it holds bytes that no text has
    std::optional<tftp::SendData> last{};  // a text's last block, once it shows
  };

  explicit TftpBlocks(const PacketLayout& layout) : layout_(layout) {}
  virtual ~TftpBlocks() = default;

  // From memory: nothing when the disk would have to be asked, or when the batch ends the file, which has to
  // be compared with what it was first. They hold until the next call on the loop.
  virtual std::optional<Packets> cached(const tftp::SendData& batch) = 0;
  // Whether read() has the bytes in memory and only asks whether the file is what it was: that waits for no
  // disk that is slow to read.
  virtual bool only_asks(const tftp::SendData&) const { return false; }
  // May wait for the disk: for a worker, one at a time.
  virtual Filled read(const tftp::SendData& batch) = 0;

  std::size_t packet_size() const { return layout_.packet_size(); }

 protected:
  const PacketLayout layout_;
};

// The file as it is. One read fills the gaps between the headers.
class OctetBlocks final : public TftpBlocks {
 public:
  explicit OctetBlocks(std::shared_ptr<SharedImage> image)
      : TftpBlocks(image->layout()), image_(std::move(image)) {}
  std::optional<Packets> cached(const tftp::SendData& batch) override;
  bool only_asks(const tftp::SendData& batch) const override;
  Filled read(const tftp::SendData& batch) override;

 private:
  bool ends_file(const tftp::SendData& batch) const;

  const std::shared_ptr<SharedImage> image_;
  std::shared_ptr<SharedImage::Run> run_;
  std::uint64_t furthest_ = 0;  // of the blocks that a batch began with
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

  const storage::File file_;
  const std::size_t window_;
  std::uint64_t first_ = 1;  // the block that positions_ begins with: none before it is sent again
  std::deque<tftp::TextPosition> positions_;
};

}  // namespace server
