#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "protocols/files/ending.hpp"
#include "server/events/ssh.hpp"

namespace conf {
struct Ssh;
}  // namespace conf

namespace server {

// Who is at the other end of a connection. No user: nobody has logged in.
struct SshPeer {
  std::uint64_t number;
  std::string user, client;
  std::uint16_t port;
  std::string banner;  // that the client gave itself; raw
};

// libssh's error of an exchange that found nothing in common begins so.
constexpr std::string_view ssh_no_match = "kex error : no match for method ";

// The event that says how a connection ended.
using Ending = std::variant<event::SshEnded, event::SshMismatched>;
// `why` is the text of libssh's error, or a reason of our own.
Ending ending(const SshPeer& peer, const std::string& why, const conf::Ssh& settings);

// Whether the connection ends by our doing: the client is still there, and can be told.
bool is_ours(std::string_view why);

// The reason of an end that an administrator asked for.
constexpr std::string_view stopped_by_administrator = "an administrator stopped a transfer";

// Who ends the files that are open then, and why.
protocols::Cause cause_of_end(std::string_view why);

// libssh answers a login with a key of a type that is not offered, and a wish for a group that there is not,
// by this error alone: the client would wait until its grace ends, and nobody would know for what.
bool leaves_the_client_waiting(std::string_view error);

}  // namespace server
