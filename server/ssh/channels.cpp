#include "server/ssh/channels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "server/events/events.hpp"
#include "server/events/ssh.hpp"
#include "server/ssh/login.hpp"
#include "server/ssh/packet_size.hpp"
#include "server/ssh/transport.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t most_channels = 10;  // at a time, as in sshd
constexpr std::size_t longest_command_told = 256;
constexpr std::uint32_t usual_packet = 32768;  // what every client must take (RFC 4253 6.1)
constexpr std::uint32_t least_packet = 64;     // below it there is little but headers

}  // namespace

SshChannels::SshChannels(SshCommon& common, SshChannel::Connection& connection, const SshTransport& transport,
                         const SshLogin& login)
    : common_(common), connection_(connection), transport_(transport), login_(login) {}

// Those that the client has closed, perhaps just before it asks for another, get the turn that ends them.
std::size_t SshChannels::open_now() {
  const auto present = channels_;
  for (const auto& channel : present) {
    if (channel->closed_by_client()) channel->serve(Clock::now() + 1ms);
  }
  return static_cast<std::size_t>(
      std::ranges::count_if(channels_, [](const auto& channel) { return !channel->over(); }));
}

void SshChannels::open(ssh_message message) {
  if (ssh_message_subtype(message) != SSH_CHANNEL_SESSION)
    return refuse(message, "a channel of another type than session");
  if (!login_.user() || open_now() >= most_channels) return refuse(message, "too many channels");
  if (auto* const channel = ssh_message_channel_request_open_reply_accept(message)) {
    const auto packet = ssh::largest_packet(channel).value_or(usual_packet);
    if (packet < least_packet) {
      return connection_.end(fmt::format("the client takes packets of {} bytes at most; {} are the least",
                                         packet, least_packet));
    }
    decltype(channels_) opened(1);  // first: libssh calls a channel for as long as its connection lasts
    opened.front() = std::make_shared<SshChannel>(common_, connection_, channel, packet);
    channels_.splice(channels_.end(), opened);
  }
}

void SshChannels::request(ssh::Message message) {
  auto* const m = message.get();
  const auto place = std::ranges::find_if(channels_, [asked = ssh_message_channel_request_channel(m)](
                                                         const auto& channel) { return channel->is(asked); });
  const auto type = ssh_message_subtype(m);
  const bool free = place != channels_.end() && !(*place)->serves();
  if (free && type == SSH_CHANNEL_REQUEST_SUBSYSTEM &&
      ssh::text(ssh_message_channel_request_subsystem(m)) == "sftp") {
    return (*place)->start_sftp(std::move(message));
  }
  if (free && type == SSH_CHANNEL_REQUEST_EXEC) {
    const auto text = ssh::text(ssh_message_channel_request_command(m));
    auto command = scp::parse_command(text);
    if (command) return (*place)->start_scp(std::move(message), std::move(*command));
    const bool cut = text.size() > longest_command_told;
    return refuse(m, fmt::format("the command \"{}{}\": {}", text.substr(0, longest_command_told),
                                 cut ? "..." : "", command.error()));
  }
  // Without a terminal OpenSSH's client leaves before it shows what a shell is answered.
  if (free && type == SSH_CHANNEL_REQUEST_PTY) {
    ssh_message_channel_request_reply_success(m);
    return;
  }
  if (free && type == SSH_CHANNEL_REQUEST_SHELL) {
    (*place)->decline(std::move(message), only_files());
    return tell_refused("a shell");
  }
  static constexpr std::array<const char*, 7> words{
      "a request",   "a terminal",     "a command", "a shell", "an environment variable",
      "a subsystem", "a window change"};
  const auto word = static_cast<std::size_t>(type);
  // OpenSSH sends its LANG with every login, and an agent or a window's size where it has one.
  const bool usual = type == SSH_CHANNEL_REQUEST_ENV || type == SSH_CHANNEL_REQUEST_WINDOW_CHANGE ||
                     type == SSH_CHANNEL_REQUEST_UNKNOWN;
  refuse(m, word < words.size() ? words[word] : words[0], usual);
}

void SshChannels::refuse(ssh_message message, std::string what, bool usual) {
  ssh_message_reply_default(message);
  tell_refused(std::move(what), usual);
}

// Once: a client that wants its environment sent may ask fifty times.
void SshChannels::tell_refused(std::string what, bool usual) {
  if (refused_.is_new(what))
    common_.events.emit(
        event::SshRefused{.number = connection_.number(), .what = std::move(what), .usual = usual});
}

// For a person who sits there, with the address that the client came to.
std::string SshChannels::only_files() const {
  const auto here = transport_.local_endpoint();
  const auto address = here.address();
  const auto host = address.to_string();
  return fmt::format("this server speaks SFTP and SCP only: sftp -P {} {}@{}\r\n", here.port(),
                     login_.user()->name, address.is_v6() ? "[" + host + "]" : host);
}

// A message that waits may be about a channel: it may say what the channel is for, and has to find it.
bool SshChannels::serve(SshTurns::Time end) {
  bool more = false;
  for (auto left = channels_.size(); left > 0; --left) {
    const auto channel = channels_.front();
    channels_.splice(channels_.end(), channels_, channels_.begin());
    if (!channel->serves() && transport_.messages() > 0) continue;
    more |= channel->serve(end);
    if (left > 1 && Clock::now() >= end) return true;
  }
  if (transport_.messages() == 0)
    std::erase_if(channels_, [](const auto& channel) { return channel->over(); });
  return more;
}

bool SshChannels::detach(protocols::Cause cause, std::string_view why) noexcept {
  bool done = true;
  for (const auto& channel : channels_) done &= channel->detach(cause, why);
  return done;
}

void SshChannels::count_held() {
  for (const auto& channel : channels_) channel->count_held();
}

std::size_t SshChannels::kept() const {
  std::size_t kept = 0;
  for (const auto& channel : channels_) kept += channel->kept();
  return kept;
}

}  // namespace server
