#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <expected>
#include <functional>
#include <string>

#include "server/files/held_bytes.hpp"
#include "server/files/open_files.hpp"
#include "server/loop/told_once.hpp"

namespace server {

// What one SSH connection, with all its channels, uses of what all share, and what the log was told of it.
// Made when its user first has something; its channels share it. Lives on the loop.
class ConnectionUse {
 public:
  // `end` is called when the connection has to end, because all together hold too much memory.
  ConnectionUse(const OpenFiles& files, const HeldBytes& bytes, const net::ip::address& address,
                const std::string& user, std::function<void()> end)
      : files_(files),
        address_(address),
        open_(files_, address, user),
        bytes_(bytes, address, std::move(end)) {}

  const net::ip::address& address() const { return address_; }

  std::expected<OpenFiles::Lease, OpenFiles::Bound> open(const OpenFiles::Wanted& what) const {
    return files_.take(open_, what);
  }

  // Requests without an answer, and answers that were not sent, of the connection and all its channels.
  void hold(std::size_t before, std::size_t now) { bytes_.change(before, now); }
  bool holds_enough() const { return bytes_.bytes() > share(); }  // more must not be read while it need not
  bool holds_too_much() const { return bytes_.bytes() > too_much; }  // nobody has a reason to
  // For more answers. Never nothing: who has sent much is rid of it only by being answered.
  std::size_t room() const {
    return holds_enough() ? least_room : std::max(least_room, share() - bytes_.bytes());
  }

  // libssh's buffers double until they hold what came or went at once, and never shrink below 64 KiB again.
  // So where memory is scarce no more is written at once than they have room for already, or a little.
  static constexpr std::size_t buffer_for(std::size_t bytes) { return std::bit_ceil(bytes + 1); }
  // So much of them each connection has, and is not counted.
  static constexpr std::size_t usual_buffers = 32 << 10;
  // Those for what comes.
  void keep_for_input(std::size_t bytes) {
    input_buffers_ = bytes;
    count_buffers();
  }
  std::size_t write_at_once() const {
    return bytes_.is_scarce() ? std::max(little_at_once, most_written_) : most_at_once;
  }
  void wrote(std::size_t bytes) {
    most_written_ = std::max(most_written_, bytes);
    count_buffers();
  }

  ToldOnce misses{1000}, unwritten{1000}, misnamed{100}, refused_opens{10};

 private:
  // The last is what ten channels take that have each a request of the longest kind coming in.
  static constexpr std::size_t enough = 1 << 20, enough_when_scarce = 64 << 10, too_much = 3 << 20;
  static constexpr std::size_t least_room = 16 << 10;
  // With the heads of their packets both are just below a power of two.
  static constexpr std::size_t most_at_once = 60 << 10, little_at_once = 7 << 10, heads = 512;
  // One buffer for a packet, and one for all that the socket does not take.
  void count_buffers() {
    const auto buffers = input_buffers_ + 2 * buffer_for(most_written_ + heads);
    bytes_.keep(std::max(buffers, usual_buffers) - usual_buffers);
  }
  std::size_t share() const { return bytes_.is_scarce() ? enough_when_scarce : enough; }

  const OpenFiles& files_;
  const net::ip::address address_;
  const OpenFiles::Connection open_;
  HeldBytes::Connection bytes_;
  std::size_t input_buffers_ = 0, most_written_ = 0;
};

}  // namespace server
