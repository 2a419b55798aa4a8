#pragma once
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "server/packet_layout.hpp"
#include "storage/file.hpp"

namespace server {

// An open image, for all transfers that send it in packets of the same layout. Access points ask for the same
// one at the same moment: what was read for the first is still in the processor's cache for the next ones.
// Lives on the loop, but for the file, which any thread may read.
class SharedImage {
 public:
  // Some packets in a row, for who sends one at a time. Every transfer holds the one that it is in.
  struct Run {
    std::uint64_t number = 0;
    std::optional<std::uint64_t> end{};  // so far into the file it is filled, once it is
    std::vector<std::byte> packets;
  };

  SharedImage(storage::File file, const PacketLayout& layout);

  const storage::File& file() const { return file_; }
  const PacketLayout& layout() const { return layout_; }

  // One packet, from memory: nothing when the disk would have to be asked, or when two packets are too large
  // for a run. It holds until the next call. `run` is kept by the transfer, and empty at first.
  std::optional<PacketLayout::Packets> packet(const tftp::SendData& block, std::shared_ptr<Run>& run);

 private:
  void move_to(std::uint64_t number, std::shared_ptr<Run>& run);
  void fill(Run& run);

  const storage::File file_;
  const PacketLayout layout_;
  const std::uint32_t run_blocks_;
  std::array<std::weak_ptr<Run>, 64> runs_;  // the latest one of each number's last digits
  PacketLayout::Pieces gaps_;
};

// Those that are being sent. Lives on the loop.
class SharedImages {
 public:
  // Takes `file`, or leaves it when the same one is open already.
  std::shared_ptr<SharedImage> share(storage::File& file, const tftp::Negotiated& negotiated);

 private:
  using Key =
      std::pair<storage::FileVersion, std::pair<std::uint16_t, std::uint16_t>>;  // block size, rollover
  std::map<Key, std::weak_ptr<SharedImage>> images_;
};

}  // namespace server
