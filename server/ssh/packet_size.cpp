#include "server/ssh/packet_size.hpp"

#include <cstring>

namespace server::ssh {
namespace {

// How libssh's ssh_channel_struct begins.
struct Record {
  ssh_session session;
  std::uint32_t local_channel;
  std::uint32_t local_window;
  int local_eof;
  std::uint32_t local_max_packet;
  std::uint32_t remote_channel;
  std::uint32_t remote_window;
  int remote_eof;
  std::uint32_t remote_max_packet;
};

// What libssh announces for its own side: 35000 where it accepts a channel, 32768 elsewhere.
constexpr bool is_own(std::uint32_t max_packet) { return max_packet == 35000 || max_packet == 32768; }

}  // namespace

std::optional<std::uint32_t> largest_packet(ssh_channel channel) {
  Record record;
  std::memcpy(&record, static_cast<const void*>(channel), sizeof record);
  const bool as_known = record.session == ssh_channel_get_session(channel) &&
                        is_own(record.local_max_packet) &&
                        record.remote_window == ssh_channel_window_size(channel);
  if (!as_known) return std::nullopt;
  return record.remote_max_packet;
}

}  // namespace server::ssh
