#pragma once
#include <libssh/libssh.h>

#include <string>
#include <string_view>

#include "server/loop/net.hpp"

namespace server::ssh {

// The reason codes of a DISCONNECT (RFC 4253 11.1) that we send. sshd gives the first whenever it ends a
// connection for what a client did.
enum class Disconnect : unsigned { protocol_error = 2, by_application = 11 };

// Sends a DISCONNECT with `text` in it, or libssh's own "Bye Bye" without one, and leaves libssh's session as
// ssh_disconnect() does. libssh 0.10 has no call for another code than 11: so ours is put before its packet,
// into its own buffer of what goes out. Where that is not found at its place, 11 and the text are sent. On
// the session's thread, outside of libssh's callbacks.
void disconnect(ssh_session session, Disconnect code, const std::string& text) noexcept;

// The same by hand, before there are keys: libssh closes its socket where the two sides have no algorithm in
// common, and what it had not sent is lost. `banner`, without its end of line, goes first, where that was
// lost, too. Without waiting.
void disconnect_unencrypted(SocketHandle socket, std::string_view banner, std::string_view text) noexcept;

}  // namespace server::ssh
