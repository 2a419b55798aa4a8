#include "server/ssh/ending.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "conf/algorithms.hpp"
#include "conf/ssh.hpp"

namespace server {
namespace {

using event::SshEnd;

// sshd's words for what libssh calls so.
struct Kind {
  std::string_view library, words;
  conf::AlgorithmKind kind;
};
constexpr std::array kinds{
    Kind{"kex algos", "key exchange method", conf::AlgorithmKind::kex},
    Kind{"server host key algo", "host key type", conf::AlgorithmKind::host_key},
    Kind{"encryption client->server", "cipher", conf::AlgorithmKind::cipher},
    Kind{"encryption server->client", "cipher", conf::AlgorithmKind::cipher},
    Kind{"mac algo client->server", "MAC", conf::AlgorithmKind::mac},
    Kind{"mac algo server->client", "MAC", conf::AlgorithmKind::mac},
};

// What stands before `after` in `text`, which begins behind it then.
std::optional<std::string_view> take_until(std::string_view after, std::string_view& text) {
  const auto end = text.find(after);
  if (end == text.npos) return std::nullopt;
  const auto taken = text.substr(0, end);
  text.remove_prefix(end + after.size());
  return taken;
}

bool lists(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const auto each = list.substr(0, list.find(','));
    if (each == name) return true;
    list.remove_prefix(std::min(each.size() + 1, list.size()));
  }
  return false;
}

// Only if the setting is not there already, and would have found a match in this list.
bool legacy_helps(conf::AlgorithmKind kind, std::string_view theirs, const conf::Ssh& settings) {
  auto legacy = settings;
  legacy.compatibility = conf::Compatibility::legacy;
  return std::ranges::any_of(conf::offered(kind, legacy),
                             [&](const auto& name) { return lists(theirs, name); });
}

// "kex error : no match for method mac algo client->server: server [a,b], client [c]"
std::optional<event::SshMismatched> mismatch(const SshPeer& peer, std::string_view why,
                                             const conf::Ssh& settings) {
  if (!why.starts_with(ssh_no_match)) return std::nullopt;  // a client's farewell may say anything
  why.remove_prefix(ssh_no_match.size());
  const auto method = take_until(": server [", why);
  const auto ours = take_until("], client [", why);
  const auto theirs = take_until("]", why);
  if (!method || !ours || !theirs) return std::nullopt;
  const auto* const kind = std::ranges::find(kinds, *method, &Kind::library);
  const bool known = kind != kinds.end();
  return event::SshMismatched{peer.number,
                              peer.client,
                              peer.port,
                              peer.banner,
                              std::string(known ? kind->words : *method),
                              std::string(*theirs),
                              std::string(*ours),
                              known && legacy_helps(kind->kind, *theirs, settings)};
}

constexpr std::string_view unanswered_key = "Public key from client (",
                           no_group = "Couldn't find DH group for", no_sizes = "Invalid dh-gex arguments";

// "Public key from client (ssh-rsa) doesn't match server preference (ssh-ed25519,...)"
std::optional<event::SshMismatched> key_mismatch(const SshPeer& peer, std::string_view why,
                                                 const conf::Ssh& settings) {
  if (!why.starts_with(unanswered_key)) return std::nullopt;
  why.remove_prefix(unanswered_key.size());
  const auto theirs = take_until(") doesn't match server preference (", why);
  const auto ours = take_until(")", why);
  if (!theirs || !ours) return std::nullopt;
  const bool legacy_helps = settings.compatibility == conf::Compatibility::modern && *theirs == "ssh-rsa";
  return event::SshMismatched{peer.number,     peer.client,          peer.port,          peer.banner,
                              "user key type", std::string(*theirs), std::string(*ours), legacy_helps};
}

// Our own reasons, as SshSession and SshPatience give them.
constexpr std::string_view shutting_down = "the server is shutting down";
constexpr std::string_view silent_client = "the client has ";  // read or sent nothing for minutes

constexpr std::string_view farewell = "Received SSH_MSG_DISCONNECT: ";

SshEnd end_of(std::string_view why) {
  if (why.starts_with(farewell)) return SshEnd::disconnected;
  if (why.find("Connection reset") != why.npos || why.find("Broken pipe") != why.npos) return SshEnd::reset;
  if (why.empty() || why.starts_with("Socket error")) return SshEnd::closed;
  return why.starts_with("Timeout") ? SshEnd::timeout : SshEnd::disconnecting;
}

}  // namespace

bool is_ours(std::string_view why) {
  const auto how = end_of(why);
  return how == SshEnd::disconnecting || how == SshEnd::timeout;
}

bool leaves_the_client_waiting(std::string_view error) {
  return error.starts_with(unanswered_key) || error.starts_with(no_group) || error.starts_with(no_sizes);
}

protocols::Cause cause_of_end(std::string_view why) {
  using protocols::Cause;
  if (why == shutting_down) return Cause::shutdown;
  if (why == stopped_by_administrator) return Cause::stopped;
  if (why.starts_with(silent_client)) return Cause::connection_lost;
  switch (end_of(why)) {
    case SshEnd::closed:
    case SshEnd::disconnected:
      return Cause::disconnected;
    case SshEnd::reset:
    case SshEnd::timeout:
      return Cause::connection_lost;
    case SshEnd::disconnecting:
      break;
  }
  return Cause::connection_ended;
}

Ending ending(const SshPeer& peer, const std::string& why, const conf::Ssh& settings) {
  if (auto found = mismatch(peer, why, settings)) return std::move(*found);
  if (auto found = key_mismatch(peer, why, settings)) return std::move(*found);
  const auto how = end_of(why);
  const auto text = how == SshEnd::disconnected ? why.substr(farewell.size()) : why;
  return event::SshEnded{peer.number, peer.user, peer.client, peer.port, how, text};
}

}  // namespace server
