#pragma once
#include <libssh/libssh.h>

#include <cstdint>
#include <optional>

namespace server::ssh {

// The most bytes that the client takes in one packet of a channel (RFC 4254 5.1). libssh 0.10 does not tell,
// and may not be asked to write when it is 10: it counts 10 bytes for its headers, sends packets of no bytes
// for ever, and the loop stands. So its own record of the channel is read. That begins with the same numbers
// since 0.6; where those that are known otherwise are not at their places, this says nothing. On the loop.
std::optional<std::uint32_t> largest_packet(ssh_channel channel);

}  // namespace server::ssh
