#pragma once
#include <concepts>
#include <variant>

namespace server {

namespace event {

// The list of all events. Each is a struct in a header beside this one: a source that emits or reads some of
// them includes those headers, and one that reads all of them includes all.hpp.
using Any =
    std::variant<const struct TftpRequested*, const struct TransferBegan*, const struct TransferEnded*,
                 const struct TftpRefused*, const struct TftpLimited*, const struct TftpNoise*,
                 const struct HttpRequested*, const struct HttpAnswered*, const struct HttpLimited*,
                 const struct Missed*, const struct HostKey*, const struct SshProbed*,
                 const struct SshDropped*, const struct SshPenalised*, const struct SshNegotiated*,
                 const struct SshMismatched*, const struct SshEnded*, const struct SshRefused*,
                 const struct LoggedIn*, const struct LoginFailed*, const struct WebLoggedIn*,
                 const struct WebLoginFailed*, const struct SessionOpened*, const struct SessionClosed*,
                 const struct SftpHappened*, const struct SftpRemapped*, const struct ScpFailed*,
                 const struct ControllerSaid*, const struct SyslogRefused*, const struct ImportStarted*,
                 const struct ImportProgress*, const struct Published*, const struct ImportRejected*,
                 const struct ImportFailed*, const struct ImportGone*, const struct DigestCompared*,
                 const struct DigestWaits*, const struct DropIgnored*, const struct Retired*,
                 const struct Started*, const struct RootGivenUp*, const struct Reloaded*,
                 const struct ReloadFailed*, const struct Acted*, const struct Warned*, const struct LeftOut*,
                 const struct Stopping*, const struct LoopMeasured*, const struct Stopped*>;

}  // namespace event

// Refers to one event. Both, and what the event itself points to, last as long as the call that this is an
// argument of: a listener that keeps something copies it.
class Event {
 public:
  template <class One>
  requires std::constructible_from<event::Any, const One*> Event(const One& one) : one_(&one) {}

  // Nothing when it is another kind.
  template <class One>
  const One* get_if() const {
    const auto* const held = std::get_if<const One*>(&one_);
    return held ? *held : nullptr;
  }
  template <class Visitor>
  decltype(auto) visit(Visitor&& visitor) const {
    return std::visit([&](const auto* one) -> decltype(auto) { return visitor(*one); }, one_);
  }

 private:
  event::Any one_;
};

}  // namespace server
