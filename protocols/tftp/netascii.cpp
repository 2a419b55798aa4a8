#include "protocols/tftp/netascii.hpp"

#include <utility>

namespace tftp {
namespace {

constexpr std::byte nul{0}, lf{'\n'}, cr{'\r'};

}  // namespace

std::size_t to_netascii(std::span<const std::byte> bytes, std::span<std::byte> out, TextPosition& position) {
  std::size_t filled = 0;
  if (position.unsent && !out.empty()) {
    out[filled++] = *position.unsent;
    position.unsent.reset();
  }
  for (const auto byte : bytes) {
    if (filled == out.size()) break;
    ++position.offset;
    const bool pair = byte == lf || byte == cr;
    out[filled++] = pair ? cr : byte;
    if (!pair) continue;
    const auto second = byte == lf ? lf : nul;
    if (filled < out.size()) {
      out[filled++] = second;
    } else {
      position.unsent = second;
    }
  }
  return filled;
}

void NetasciiDecoder::decode(Bytes bytes, std::vector<std::byte>& out) {
  for (const auto byte : bytes) {
    if (std::exchange(after_cr_, false)) {
      if (byte == lf || byte == nul) {
        out.push_back(byte == lf ? lf : cr);
        continue;
      }
      out.push_back(cr);  // it stood alone after all: some clients send text as it is
    }
    after_cr_ = byte == cr;
    if (!after_cr_) out.push_back(byte);
  }
}

void NetasciiDecoder::finish(std::vector<std::byte>& out) {
  if (std::exchange(after_cr_, false)) out.push_back(cr);
}

}  // namespace tftp
