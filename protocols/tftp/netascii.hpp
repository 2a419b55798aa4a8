#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "protocols/tftp/packet.hpp"

// RFC 764's text as TFTP moves it: a line ends with CR LF, and a CR that stands alone is CR NUL. Both pairs
// may fall apart at a block's border. Pure.
namespace tftp {

// Where one block of a text begins: blocks of the wire and bytes of the file do not go together, so a resend
// needs to know.
struct TextPosition {
  std::uint64_t offset = 0;           // in the file
  std::optional<std::byte> unsent{};  // the second byte of a pair that the block before ended in
};

// Fills `out` from `bytes`, which lie at `position` in the file, and moves `position` on. Returns how much of
// `out` is filled: less than all of it when `bytes` were too few.
std::size_t to_netascii(std::span<const std::byte> bytes, std::span<std::byte> out, TextPosition& position);

// Takes the blocks of a text in their order.
class NetasciiDecoder {
 public:
  void decode(Bytes bytes, std::vector<std::byte>& out);  // appends
  void finish(std::vector<std::byte>& out);               // a CR at the very end stands for itself

 private:
  bool after_cr_ = false;
};

}  // namespace tftp
