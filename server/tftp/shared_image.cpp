#include "server/tftp/shared_image.hpp"

#include <algorithm>
#include <bit>

namespace server {
namespace {

// A thousand transfers in lockstep may stand idle, each with a run of its own.
constexpr std::size_t short_run = 8192;
// For windows, and for blocks that no short run holds two of.
constexpr std::size_t long_run = 65'536;
// As many gaps between headers as one system call fills.
constexpr std::size_t most_blocks = 256;

// A run has a power of two of blocks, so that windows, which mostly are powers of two as well, do not cross
// from one to the next.
unsigned shift_of(std::size_t run, const PacketLayout& layout) {
  const auto blocks = std::clamp<std::size_t>(run / layout.packet_size(), 1, most_blocks);
  return static_cast<unsigned>(std::bit_width(blocks)) - 1;
}

}  // namespace

SharedImage::SharedImage(storage::File file, const PacketLayout& layout,
                         const std::shared_ptr<const LongRuns>& long_runs)
    : file_(std::move(file)),
      layout_(layout),
      long_runs_(long_runs),
      run_shift_(shift_of(long_runs ? long_run : short_run, layout)) {}

std::optional<PacketLayout::Packets> SharedImage::packets(const tftp::SendData& batch,
                                                          std::shared_ptr<Run>& run) {
  const auto number = (batch.block - 1) >> run_shift_;
  const auto place = (batch.block - 1) - (number << run_shift_);
  if (run_shift_ == 0 || place + batch.count > run_blocks()) return {};
  if ((!run || run->number != number) && !move_to(number, run)) return {};
  const auto end = batch.offset + batch.size;
  if (!run->end || *run->end < end) fill(*run);
  if (*run->end < end) return {};
  return std::span(run->packets).subspan(place * layout_.packet_size(), layout_.size_of(batch));
}

bool SharedImage::move_to(std::uint64_t number, std::shared_ptr<Run>& run) {
  auto& latest = runs_[number % runs_.size()];
  if (auto present = latest.lock(); present && present->number == number) {
    run = std::move(present);
    return true;
  }
  if (run.use_count() != 1) run = new_run();
  if (!run) return false;
  run->number = number;
  run->end.reset();
  latest = run;
  return true;
}

std::shared_ptr<SharedImage::Run> SharedImage::new_run() const {
  auto counted = long_runs_.lock();
  if (counted.use_count() > LongRuns::most + 1) return nullptr;
  auto run = std::make_shared<Run>();
  run->counted = std::move(counted);
  return run;
}

void SharedImage::fill(Run& run) {
  const auto size = layout_.block_size();
  const auto first = run.number << run_shift_;
  // What came already is not read again, but for a block that was not whole.
  const auto held = run.end ? *run.end / size - first : 0;
  const auto missing = static_cast<std::uint32_t>(run_blocks() - held);
  const auto offset = (first + held) * size;
  run.packets.resize(run_blocks() * layout_.packet_size());
  layout_.lay_out({first + held + 1, missing, offset, missing * size},
                  std::span(run.packets).subspan(held * layout_.packet_size()), gaps_);
  run.end = offset + file_.read_cached(gaps_, offset).value_or(0);
}

std::shared_ptr<SharedImage> SharedImages::share(storage::File& file, const tftp::Negotiated& negotiated) {
  ended_.step(images_, [](const auto& image) { return image.expired(); });
  const PacketLayout layout(negotiated);
  const bool long_runs = negotiated.window > 1 || shift_of(short_run, layout) == 0;
  auto& place = images_[{file.at_open().version, {negotiated.block_size, negotiated.rollover, long_runs}}];
  auto image = place.lock();
  if (!image)
    place = image = std::make_shared<SharedImage>(std::move(file), layout, long_runs ? long_runs_ : nullptr);
  return image;
}

}  // namespace server
