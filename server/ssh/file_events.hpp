#pragma once
#include <cstdint>

#include "protocols/scp/session.hpp"
#include "protocols/sftp/session.hpp"
#include "server/ssh/connection_use.hpp"

namespace server {

class Events;

// Emit what happened in a session since the last call. SCP is told in sftp-server's words: whoever greps for
// a file finds it, however it was fetched. `number` is the connection's. On the loop.
void emit_happened(const Events& events, std::uint64_t number, sftp::Session& session, ConnectionUse& use);
void emit_happened(const Events& events, std::uint64_t number, scp::Session& session);

}  // namespace server
