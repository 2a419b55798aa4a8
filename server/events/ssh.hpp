#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

// The events of an SSH connection: its begin, its end, and logins. Texts that came from a client are raw: a
// listener escapes them.
namespace server::event {

// A host key that the server shows.
struct HostKey {
  std::string type, fingerprint;
};

// A connection was closed before it had said a word.
struct SshProbed {
  std::uint64_t number;
  std::string client;
};

// Which key below `ssh` a connection ran into, or the penalty of its address.
enum class SshLimit { unauthenticated_per_address, unauthenticated, sessions_per_address, sessions, penalty };

// What an address is penalised for.
enum class Offence { failed_login, no_login, login_grace };

struct SshDropped {  // before a byte was exchanged
  std::uint64_t number;
  std::string client, listener;
  std::uint16_t port, listener_port;
  std::size_t unauthenticated;  // connections at that time
  SshLimit limit;
  Offence offence;       // behind a penalty
  std::uint64_t untold;  // drops of that client before this one
};

// A penalty begins.
struct SshPenalised {
  std::uint64_t number;  // of the session that was one too many
  std::string client;
  std::chrono::seconds period;
  Offence offence;
};

// Both sides have agreed on algorithms.
struct SshNegotiated {
  std::uint64_t number;
  std::string client;
  std::uint16_t port;
  std::string banner, kex, host_key;
  std::string cipher_in, cipher_out, mac_in, mac_out;  // "in" is from the client
};

struct SshMismatched {  // of one kind of algorithm both sides have none in common
  std::uint64_t number;
  std::string client;
  std::uint16_t port;
  std::string banner, kind, theirs, ours;
  bool legacy_helps;
};

enum class SshEnd { closed, reset, disconnected, timeout, disconnecting };  // the last two are our doing

// A connection is over.
struct SshEnded {
  std::uint64_t number;
  std::string user, client;  // no user: nobody has logged in
  std::uint16_t port;
  SshEnd how;
  std::string why;
};

// A request on a connection was refused.
struct SshRefused {
  std::uint64_t number;
  std::string what;
  bool by_service = false;  // by SFTP or SCP, not by the connection
  bool usual = false;       // every client asks for it and goes on without it: an environment variable
};

// A user has logged in.
struct LoggedIn {
  std::uint64_t number;
  std::string user, client;
  std::uint16_t port;
  std::string method;
  std::string key = {};  // "ED25519 SHA256:..."; empty where none was shown
};

// Why a login failed. For the log alone: a client must not learn who has an account.
enum class LoginFault {
  wrong_password,
  unknown_user,
  other_case,   // there is a user whose name differs in that only
  no_password,  // the user logs in by keys
  no_keys,      // the user logs in by a password
  other_key,    // none of the user's
  barred_key,   // the user's, and not permitted from there
  wrong_signature,
  not_judged,  // its address is refused
  no_sftp,     // the account is for the page only
  no_web,      // the account is not for the page
  wrong_code,  // not that of the set-up
};

// A login failed.
struct LoginFailed {
  std::uint64_t number;
  std::string user, client;
  std::uint16_t port;
  std::string method;
  LoginFault fault = LoginFault::wrong_password;
  std::string key = {};      // as in LoggedIn
  std::string similar = {};  // of other_case: that user
};

// SFTP or SCP begins on a channel.
struct SessionOpened {
  std::uint64_t number;
  std::string user, client;
};

// SFTP or SCP ends on a channel.
struct SessionClosed {
  std::uint64_t number;
  std::string user, client;
};

}  // namespace server::event
