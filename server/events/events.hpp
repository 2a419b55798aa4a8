#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocols/files/ending.hpp"
#include "protocols/sftp/event.hpp"
#include "protocols/tftp/transfer.hpp"
#include "server/events/rare_warnings.hpp"
#include "server/loop/meter.hpp"
#include "server/loop/one_thread.hpp"
#include "storage/import/drop_digests.hpp"
#include "storage/lookup/miss.hpp"
#include "storage/lookup/rule.hpp"
#include "storage/releases/imported.hpp"

// What happens, typed. Everything that tells about the server (the log, later counters, status and history)
// listens to these; nobody else formats a line. Texts that came from a client or an archive are raw: a
// listener escapes them.
namespace server::event {

// Of a transfer or a miss.
enum class Protocol { tftp, sftp, scp };

// `number` counts requests and SSH sessions together; `client` is an address without its port.
struct Remapped {  // by a forgiving rule or an alias
  std::string to;
  storage::Rule rule;
};
// An RRQ or WRQ that is served.
struct TftpRequested {
  std::uint64_t number;
  std::string client, name;
  bool write;
  std::optional<Remapped> remapped;
};
struct TftpRefused {  // an ERROR went out instead of a file
  std::uint64_t number;
  std::string client;
  tftp::ErrorCode code;
  bool by_broadcast = false;  // then nothing went out: another server may have the file
};

// One file's way to or from a client, whatever the protocol. History, counters and pages need only this; the
// log's words come from server/ending_text.
struct TftpDetails {
  std::uint16_t block_size, window;
  std::uint64_t resent;
  int tries;  // since the client's last answer
  bool netascii = false;
  bool damages = false;  // an image went as a text: bytes that no text has were converted
  bool by_broadcast = false;
  bool single_port = false;  // tftp.single_port
};
// A transfer over any protocol has begun: a TFTP client has answered for the first time (whoever never
// answers may never have asked), or a file was opened over SFTP or SCP.
struct TransferBegan {
  std::uint64_t number;  // as in TransferEnded
  Protocol protocol;
  std::string client, user, asked, name;
  bool write;
  std::optional<std::uint64_t> size;
  std::uint16_t block_size = 0, window = 0;  // TFTP's
};
// A transfer over any protocol is over.
struct TransferEnded {
  std::uint64_t number;  // of the TFTP request, or of the SSH session
  Protocol protocol;
  std::string client, user;  // no user: TFTP has none
  std::string asked;         // the name as the client wrote it
  std::string name;          // the file's path; of an upload that which it has, or would have had
  bool write;
  std::optional<std::uint64_t> size;  // of the file when it was opened, or as the client announced it
  std::uint64_t bytes;                // that both sides have
  double seconds;
  protocols::Ending how;
  std::optional<TftpDetails> tftp = {};
};
// Which key below `tftp` a request ran into.
enum class Limit { requests_per_second, denied, not_allowed, transfers_per_address, transfers };
struct TftpLimited {  // the request was dropped
  std::uint64_t number;
  std::string client, name;
  Limit limit;
};
// What happened to requests that are told in sum.
enum class Noise { refused, unanswered, limited };
constexpr std::size_t noise_kinds = 3;
// One kind of request in such a sum.
struct Repeated {
  std::string what;  // was told in full already: the cause and the name
  std::uint64_t count;
};
struct TftpNoise {       // `count` requests of one client that nothing else is told of
  std::uint64_t number;  // of the last one
  std::string client;
  Noise kind;
  std::uint64_t count;
  std::chrono::seconds period;
  std::vector<Repeated> repeated = {};  // of these, the most frequent first
};
struct LeftOut {      // lines that the log had no room for
  std::string about;  // an address, "192.0.2.7" or "2001:db8:1:1::/64"; "user ewc"; or "others"
  std::uint64_t lines;
  std::chrono::seconds period;
};
// A request for a file that is not there.
struct Missed {
  std::uint64_t number;
  Protocol protocol;
  std::string client, asked;  // the name as the client wrote it, or as near to that as is known
  storage::Miss miss;
};

// A host key that the server shows.
struct HostKey {
  std::string type, fingerprint;
};
// A connection that was closed without a word.
struct SshProbed {
  std::uint64_t number;
  std::string client;
};  // connected and sent nothing
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
// A request of SFTP or SCP, in the words of sftp-server.
struct SftpHappened {
  std::uint64_t number;
  sftp::Event what;
};
struct SftpRemapped {  // told before the file's opening
  std::uint64_t number;
  std::string name;
  Remapped remapped;
};
// An error that SCP told, or was told.
struct ScpFailed {
  std::uint64_t number;
  std::string name, text;  // the name is empty when it is about none
  bool by_client;          // it told us
};

// A bundle in drop/ is being imported.
struct ImportStarted {
  std::string file;
};
struct ImportProgress {  // of one that takes long
  std::string file;
  std::uint64_t done, total;  // bytes
};
// A bundle or an image was published.
struct Published {
  std::string file;
  storage::Imported imported;
  double seconds;
};
// A bundle was moved to rejected/, and why.
struct ImportRejected {
  std::string file, reason, moved_to;
};
// The depot failed while a bundle was imported.
struct ImportFailed {
  std::string file, reason;
};                       // the depot's fault: tried again
struct DigestCompared {  // a vendor's digest that came after the import
  storage::ComparedDigest compared;
};
struct DigestWaits {  // for the file that it is about
  std::string file;
};
// An entry of drop/ is not a file to import.
struct DropIgnored {
  std::string file;
};
struct Retired {  // because import.keep keeps so many
  std::string path, moved_to;
  std::uint32_t keep;
};

// The server begins.
struct Started {
  std::string version;
};
struct RootGivenUp {  // for this user of the host
  std::string user;
  std::uint32_t uid;
};
// A changed configuration is in effect.
struct Reloaded {
  std::string file;
};
// A changed configuration has a mistake: the old one stays in effect.
struct ReloadFailed {
  std::string reason;
};
// A text for the administrator that has no event of its own.
struct Warned {
  std::string text;
};
// The server lets what runs come to its end.
struct Stopping {
  std::size_t transfers, sessions;
};
struct LoopMeasured {  // as long as it served
  LoopTurns turns;
};
// The last event.
struct Stopped {};

}  // namespace server::event

namespace server {

using Event = std::variant<
    event::TftpRequested, event::TransferBegan, event::TransferEnded, event::TftpRefused, event::TftpLimited,
    event::TftpNoise, event::Missed, event::HostKey, event::SshProbed, event::SshDropped, event::SshPenalised,
    event::SshNegotiated, event::SshMismatched, event::SshEnded, event::SshRefused, event::LoggedIn,
    event::LoginFailed, event::SessionOpened, event::SessionClosed, event::SftpHappened, event::SftpRemapped,
    event::ScpFailed, event::ImportStarted, event::ImportProgress, event::Published, event::ImportRejected,
    event::ImportFailed, event::DigestCompared, event::DigestWaits, event::DropIgnored, event::Retired,
    event::Started, event::RootGivenUp, event::Reloaded, event::ReloadFailed, event::Warned, event::LeftOut,
    event::Stopping, event::LoopMeasured, event::Stopped>;

// The one stream. Belongs to the loop's thread; listeners must not block.
class Events {
 public:
  using Listener = std::function<void(const Event&)>;
  void listen(Listener listener) { listeners_.push_back(std::move(listener)); }
  std::uint64_t next_number() {  // of a request or SSH session
    thread_.expect();
    return ++last_number_;
  }
  // A warning about something that a client can bring about as often as it likes: told every ten seconds at
  // most, with the number of times that it was not.
  // What a client chose does not belong into `text`: the line of its request or session has that. Nor into
  // `kind`, which is what is told so rarely.
  void warn_rarely(std::string_view kind, const std::string& text);
  void warn_rarely(std::string_view text) { warn_rarely(text, std::string(text)); }  // a constant one
  void emit(const Event& event) const {
    thread_.expect();
    for (const auto& listener : listeners_) listener(event);
  }

 private:
  std::vector<Listener> listeners_;
  std::uint64_t last_number_ = 0;
  RareWarnings rare_;
  OneThread thread_;
};

}  // namespace server
