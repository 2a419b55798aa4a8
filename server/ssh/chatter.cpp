#include "server/ssh/chatter.hpp"

#include <algorithm>
#include <utility>

namespace server {
namespace {

// A key exchange takes three to five; PuTTY pads each password with one, and libssh drops a few more.
constexpr std::uint64_t most_before_login = 40;
constexpr std::uint64_t most_in_an_exchange = 40;
// A bucket that fills: OpenSSH adjusts its window every 96 KiB, others every 32.
constexpr double largest_room = 5000, room_a_second = 500, bytes_for_one = 1024;

}  // namespace

std::optional<std::string> SshChatter::look(const Seen& seen, Clock::time_point now) {
  const auto packets = seen.packets - std::min(seen.packets, seen.taken);
  if (!seen.logged_in) {
    if (packets > most_before_login) return "too many packets that are no login";
    return {};
  }
  if (!std::exchange(logged_in_, true)) {
    room_ = largest_room;
    packets_ = packets;
    sent_ = seen.sent;
    looked_ = now;
  }
  if (!std::exchange(exchanging_, seen.exchanging) && seen.exchanging) exchange_began_ = packets;
  if (seen.exchanging && packets > exchange_began_ + most_in_an_exchange)
    return "too many packets in a key exchange that are not of it";
  const std::chrono::duration<double> passed = now - std::exchange(looked_, now);
  const auto sent = static_cast<double>(seen.sent - std::exchange(sent_, seen.sent));
  room_ += passed.count() * room_a_second + sent / bytes_for_one;
  // A packet may be taken later than it is counted.
  if (packets > packets_) room_ -= static_cast<double>(packets - std::exchange(packets_, packets));
  room_ = std::min(room_, largest_room);
  if (room_ < 0) return "too many packets that ask for nothing";
  return {};
}

}  // namespace server
