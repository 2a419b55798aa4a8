#include "server/shared_image.hpp"

#include <algorithm>

namespace server {
namespace {

// A thousand transfers may stand idle, each with a run of its own.
constexpr std::size_t longest_run = 8192;

}  // namespace

SharedImage::SharedImage(storage::File file, const PacketLayout& layout)
    : file_(std::move(file)),
      layout_(layout),
      run_blocks_(static_cast<std::uint32_t>(longest_run / layout.packet_size())) {}

std::optional<PacketLayout::Packets> SharedImage::packet(const tftp::SendData& block,
                                                         std::shared_ptr<Run>& run) {
  if (run_blocks_ < 2) return {};
  const auto number = (block.block - 1) / run_blocks_;
  if (!run || run->number != number) move_to(number, run);
  const auto end = block.offset + block.size;
  if (!run->end || *run->end < end) fill(*run);
  if (*run->end < end) return {};
  const auto place = (block.block - 1) % run_blocks_ * layout_.packet_size();
  return std::span(run->packets).subspan(place, layout_.size_of(block));
}

void SharedImage::move_to(std::uint64_t number, std::shared_ptr<Run>& run) {
  auto& latest = runs_[number % runs_.size()];
  if (auto present = latest.lock(); present && present->number == number) {
    run = std::move(present);
    return;
  }
  if (run.use_count() != 1) run = std::make_shared<Run>();
  run->number = number;
  run->end.reset();
  latest = run;
}

void SharedImage::fill(Run& run) {
  const auto size = std::uint64_t{run_blocks_} * layout_.block_size();
  const auto offset = run.number * size;
  run.packets.resize(run_blocks_ * layout_.packet_size());
  layout_.lay_out({run.number * run_blocks_ + 1, run_blocks_, offset, size}, run.packets, gaps_);
  run.end = offset + file_.read_cached(gaps_, offset).value_or(0);
}

std::shared_ptr<SharedImage> SharedImages::share(storage::File& file, const tftp::Negotiated& negotiated) {
  std::erase_if(images_, [](const auto& image) { return image.second.expired(); });
  auto& place = images_[{file.at_open().version, {negotiated.block_size, negotiated.rollover}}];
  auto image = place.lock();
  if (!image) place = image = std::make_shared<SharedImage>(std::move(file), PacketLayout(negotiated));
  return image;
}

}  // namespace server
