#pragma once
#include <concepts>
#include <variant>

namespace server {

namespace event {

// What happens, typed: a struct each, in the headers beside this one. A source that emits or reads some of
// them includes theirs, and one that reads all includes all.hpp.
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

// One of them, which it refers to: it lasts as long as the call that it is an argument of. A listener that
// keeps something copies it.
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
