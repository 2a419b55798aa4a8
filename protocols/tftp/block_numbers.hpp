#pragma once
#include <cstdint>
#include <optional>

namespace tftp {

// A file has as many blocks as it needs, and DATA and ACK have 16 bits for a block's number: after 65535
// comes `rollover`, which is 0 unless a client negotiated 1.
class BlockNumbers {
 public:
  explicit BlockNumbers(std::uint16_t rollover) : rollover_(rollover) {}

  std::uint16_t wire(std::uint64_t block) const {
    if (rollover_ == 0 || block == 0) return static_cast<std::uint16_t>(block);
    return static_cast<std::uint16_t>((block - 1) % cycle() + 1);
  }

  // How many blocks behind `block` the next one lies that `number` can mean: 0 for `block` itself. Nothing
  // for a number that no block from there on has.
  std::optional<std::uint64_t> ahead(std::uint64_t block, std::uint16_t number) const {
    if (block == 0) return number;
    if (number < rollover_) return {};
    return (number + cycle() - wire(block)) % cycle();
  }

 private:
  std::uint64_t cycle() const { return 65536U - rollover_; }

  std::uint16_t rollover_;
};

}  // namespace tftp
