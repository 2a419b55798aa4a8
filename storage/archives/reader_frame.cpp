#include "storage/archives/reader_frame.hpp"

#include "storage/archives/zip_end.hpp"

namespace storage {
namespace {

struct Lengths {
  std::size_t least, most;
};

std::optional<Lengths> lengths_of(FrameKind kind) {
  switch (kind) {
    case FrameKind::format:
      return Lengths{1, 1};
    case FrameKind::expect:
    case FrameKind::take:
      return Lengths{8, 8};
    case FrameKind::begin:
      return Lengths{9, 8 + longest_frame_text};
    case FrameKind::data:
      return Lengths{1, most_data};
    case FrameKind::end:
    case FrameKind::done:
    case FrameKind::no_memory:
      return Lengths{0, 0};
    case FrameKind::leave_out:
    case FrameKind::rejected:
      return Lengths{1, longest_frame_text};
    case FrameKind::failed:
    case FrameKind::unconfined:
      return Lengths{4, 4};
  }
  return std::nullopt;
}

}  // namespace

FrameHeadBytes encoded(const FrameHead& head) {
  FrameHeadBytes bytes{std::byte{static_cast<std::uint8_t>(head.kind)}};
  for (unsigned i = 0; i < 4; ++i) bytes[i + 1] = static_cast<std::byte>(head.size >> 8 * i & 0xff);
  return bytes;
}

std::optional<FrameHead> parse_frame_head(const FrameHeadBytes& bytes) {
  const FrameHead head{static_cast<FrameKind>(bytes[0]), number_at<std::uint32_t>(bytes, 1)};
  const auto lengths = lengths_of(head.kind);
  if (!lengths || head.size < lengths->least || head.size > lengths->most) return std::nullopt;
  return head;
}

std::array<std::byte, 8> encoded(std::uint64_t number) {
  std::array<std::byte, 8> bytes{};
  for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<std::byte>(number >> 8 * i & 0xff);
  return bytes;
}

}  // namespace storage
