#pragma once
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "server/loop/sweep.hpp"
#include "server/tftp/packet_layout.hpp"
#include "storage/files/file.hpp"

namespace server {

// Held by each long run of any image, and by SharedImages: its use count tells how many there are.
struct LongRuns {
  static constexpr long most = 256;
};

// An open image, for all transfers that send it in packets of the same layout. Access points ask for the same
// one at the same moment: what was read for the first is sent to the next ones from memory. Lives on the
// loop, but for the file, which any thread may read.
class SharedImage {
 public:
  // Some packets in a row. Every transfer holds the ones that it is in the middle of.
  struct Run {
    std::uint64_t number = 0;
    std::optional<std::uint64_t> end{};  // so far into the file it is filled, once it is
    std::vector<std::byte> packets;
    std::shared_ptr<const LongRuns> counted;
  };

  // With short runs where `long_runs` is none.
  SharedImage(storage::File file, const PacketLayout& layout,
              const std::shared_ptr<const LongRuns>& long_runs);

  const storage::File& file() const { return file_; }
  const PacketLayout& layout() const { return layout_; }

  // The packets of `batch`, from memory: nothing when the disk would have to be asked, or when they do not
  // lie in one run. They hold until the next call. `run` is kept by the transfer, and empty at first.
  std::optional<PacketLayout::Packets> packets(const tftp::SendData& batch, std::shared_ptr<Run>& run);

 private:
  std::uint32_t run_blocks() const { return 1U << run_shift_; }
  bool move_to(std::uint64_t number, std::shared_ptr<Run>& run);
  std::shared_ptr<Run> new_run() const;
  void fill(Run& run);

  const storage::File file_;
  const PacketLayout layout_;
  const std::weak_ptr<const LongRuns> long_runs_;
  const unsigned run_shift_;  // of a run's blocks: to divide takes as long as a hundredth of a block
  std::array<std::weak_ptr<Run>, 64> runs_;  // the latest one of each number's last digits
  PacketLayout::Pieces gaps_;
};

// Those that are being sent. Lives on the loop.
class SharedImages {
 public:
  // Takes `file`, or leaves it when the same one is open already.
  std::shared_ptr<SharedImage> share(storage::File& file, const tftp::Negotiated& negotiated);

 private:
  // block size, rollover, long runs
  using Key = std::pair<storage::FileVersion, std::tuple<std::uint16_t, std::uint16_t, bool>>;
  std::map<Key, std::weak_ptr<SharedImage>> images_;
  Sweep<Key> ended_;
  const std::shared_ptr<const LongRuns> long_runs_ = std::make_shared<const LongRuns>();
};

}  // namespace server
