#include "storage/images/image_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "storage/archives/member_name.hpp"
#include "storage/archives/tar_walk.hpp"
#include "storage/images/vendors.hpp"

namespace storage {
namespace {

// An image has some ten headers; what has more than this would fill the memory.
constexpr std::size_t most_pieces = 4096;

}  // namespace

void ImageStream::update(std::span<const std::byte> bytes) {
  const auto room = image_beginning - beginning_.size();
  const auto first = bytes.first(std::min(room, bytes.size()));
  beginning_.append(reinterpret_cast<const char*>(first.data()), first.size());
  keep(bytes);
  size_ += bytes.size();
}

void ImageStream::keep(std::span<const std::byte> bytes) {
  const auto end = size_ + bytes.size();
  while (wanted_ > 0 && piece_ < end) {
    auto& piece = pieces_[piece_];
    const auto at = piece_ + piece.size();
    if (at >= end) return;
    const auto taken = bytes.subspan(static_cast<std::size_t>(at - size_),
                                     static_cast<std::size_t>(std::min(wanted_ - piece.size(), end - at)));
    piece.append(reinterpret_cast<const char*>(taken.data()), taken.size());
    if (piece.size() == wanted_) follow();
  }
}

// A piece is whole: where the next one lies.
void ImageStream::follow() {
  const auto block = std::as_bytes(std::span(pieces_[piece_]));
  wanted_ = tar_block;
  if (next_header_) {
    piece_ = *std::exchange(next_header_, std::nullopt);
    return;
  }
  if (is_zero_block(block.first<tar_block>())) {
    piece_ += tar_block;
    if (std::exchange(ends_, true)) wanted_ = 0;
    return;
  }
  const auto header = parse_tar_header(block.first<tar_block>());
  if (!header || ends_ || pieces_.size() >= most_pieces) {
    too_many_ = pieces_.size() >= most_pieces;
    wanted_ = 0;
    return;
  }
  const auto begin = piece_ + tar_block, next = begin + in_blocks(header->content());
  piece_ = next;
  const bool first_file = header->is_file() && !std::exchange(has_files_, true);
  if (!first_file || header->name != "info" || header->size == 0) return;
  piece_ = begin;
  wanted_ = static_cast<std::size_t>(std::min<std::uint64_t>(header->size, longest_info));
  next_header_ = next;
}

bool ImageStream::read(std::uint64_t offset, std::span<std::byte> into) const {
  if (into.empty()) return true;
  const auto piece = pieces_.find(offset);
  if (piece == pieces_.end() || piece->second.size() < into.size()) return false;
  std::ranges::copy(std::as_bytes(std::span(piece->second)).first(into.size()), into.begin());
  return true;
}

ImageCheck ImageStream::check() const {
  if (too_many_) return {{}, {fmt::format("{} has too many parts to be an image", in_quotes(name_))}, {}};
  const auto walk = [this] {
    return walk_tar(size_,
                    [this](std::uint64_t offset, std::span<std::byte> into) { return read(offset, into); });
  };
  return check_image({name_, beginning_, size_, walk});
}

std::string ImageStream::kind() const {
  for (const auto* vendor : vendors())
    if (auto kind = vendor->kind_of(beginning_); !kind.empty()) return kind;
  if (!begins_as_tar(beginning_)) return {};
  const auto first = pieces_.find(0);
  const auto header = first == pieces_.end() || first->second.size() < tar_block
                          ? std::nullopt
                          : parse_tar_header(std::as_bytes(std::span(first->second)).first<tar_block>());
  return header && header->name == "info" ? "AP image (tar)" : "tar";
}

}  // namespace storage
