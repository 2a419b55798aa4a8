#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace storage {

// What the process that reads an archive (reader_process.hpp) says to the one that started it
// (reader_apart.hpp): frames of a kind, a length and so many bytes. Numbers are little-endian. Pure.
enum class FrameKind : std::uint8_t {
  format,      // one byte: a BundleFormat; answers the job "format" and is the last frame
  expect,      // MemberSink::expect: u64
  begin,       // u64 size, then the name
  data,        // bytes of the current member
  end,         // of the current member
  leave_out,   // a raw name
  take,        // u64
  done,        // the archive was read to its end; the last frame
  rejected,    // the reason; the last frame, as all that follow
  failed,      // u32: why the archive cannot be read, a number of the system
  no_memory,   // the limit is reached
  unconfined,  // u32: why the process could not give up its rights, a number of the system
};

constexpr std::size_t most_data = 256 << 10;
constexpr std::size_t longest_frame_text = 4096;  // names and reasons; the reader cuts longer ones

// What a frame begins with.
struct FrameHead {
  FrameKind kind = FrameKind::done;
  std::uint32_t size = 0;
};
using FrameHeadBytes = std::array<std::byte, 5>;

FrameHeadBytes encoded(const FrameHead& head);
// Nothing for a kind that is not known, or a length that it must not have.
std::optional<FrameHead> parse_frame_head(const FrameHeadBytes& bytes);

std::array<std::byte, 8> encoded(std::uint64_t number);

}  // namespace storage
