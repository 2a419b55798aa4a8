#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "server/events/http.hpp"
#include "server/events/import.hpp"
#include "server/events/process.hpp"
#include "server/events/rare_warnings.hpp"
#include "server/events/ssh.hpp"
#include "server/events/syslog.hpp"
#include "server/events/tftp.hpp"
#include "server/events/transfer.hpp"
#include "server/events/web.hpp"
#include "server/loop/one_thread.hpp"

namespace server {

// What happens, typed. Everything that tells about the server (log, counters, status, history) listens to
// these; nobody else formats a line.
using Event = std::variant<
    event::TftpRequested, event::TransferBegan, event::TransferEnded, event::TftpRefused, event::TftpLimited,
    event::TftpNoise, event::HttpRequested, event::HttpAnswered, event::HttpLimited, event::Missed,
    event::HostKey, event::SshProbed, event::SshDropped, event::SshPenalised, event::SshNegotiated,
    event::SshMismatched, event::SshEnded, event::SshRefused, event::LoggedIn, event::LoginFailed,
    event::WebLoggedIn, event::WebLoginFailed, event::SessionOpened, event::SessionClosed,
    event::SftpHappened, event::SftpRemapped, event::ScpFailed, event::ControllerSaid, event::SyslogRefused,
    event::ImportStarted, event::ImportProgress, event::Published, event::ImportRejected, event::ImportFailed,
    event::ImportGone, event::DigestCompared, event::DigestWaits, event::DropIgnored, event::Retired,
    event::Started, event::RootGivenUp, event::Reloaded, event::ReloadFailed, event::Acted, event::Warned,
    event::LeftOut, event::Stopping, event::LoopMeasured, event::Stopped>;

// The one stream. Belongs to the loop's thread; listeners must not block.
class Events {
 public:
  using Listener = std::function<void(const Event&)>;
  void listen(Listener listener) { listeners_.push_back(std::move(listener)); }
  std::uint64_t next_number() {  // of a request or SSH session
    thread_.expect();
    return ++last_number_;
  }
  void warn(Warning kind, std::string text) { emit(event::Warned{kind, std::move(text)}); }
  // About what a client can bring about as often as it likes: of each kind one in ten seconds, with the
  // number of those that were not told. What a client chose does not belong into `text`: the line of its
  // request or session has that.
  void warn_rarely(Warning kind, const std::string& text);
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
