#include "server/syslog/listener.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "conf/settings.hpp"
#include "protocols/syslog/message.hpp"
#include "server/events/events.hpp"
#include "server/events/syslog.hpp"
#include "server/files/library.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/os/addresses.hpp"
#include "server/text/controller_log.hpp"
#include "server/text/escape.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;
using storage::LogMessage;

// Datagrams of one wake-up, and the time for them, before others on the loop have their turn.
constexpr int most_at_once = 64;
constexpr auto longest_turn = 1ms;
constexpr std::size_t most_messages = 4;  // of one datagram, which has one line where nobody plays tricks
constexpr auto told_again = 10min;
constexpr std::size_t most_told = 1'000;

// What this server is called by a device that sends to `asked`, which it can reach so.
std::vector<std::string> addresses_for(const net::ip::address& asked) {
  std::vector<std::string> all;
  if (!asked.is_unspecified() && !asked.is_multicast()) all.push_back(asked.to_string());
  for (const auto& own : own_addresses())
    if (own.is_v4() == asked.is_v4() && own != asked) all.push_back(own.to_string());
  return all;
}

std::string key_of(const std::string& client, const LogMessage& message) {
  return fmt::format("{} {} {} {} {} {}", client, kind_name(message.kind), message.url, message.reason,
                     message.image, message.peer);
}

Finding too_many(const LogMessage& message) {
  return {fmt::format("{} {}: too many failures at once to look into each", escaped(message.url),
                      escaped(message.reason)),
          "`apdepot diagnose FILE` reads the controller's log"};
}

}  // namespace

SyslogService::SyslogService(Lanes& lanes, Events& events, const LiveSettings& settings, Library& library)
    : lanes_(lanes),
      events_(events),
      settings_(settings),
      library_(library),
      told_(told_again, most_told),
      refusals_(told_again, most_told),
      buffer_(syslog::longest_message) {
  events_.listen([this](const Event& event) {
    if (!listeners_.empty()) requests_.note(event, Clock::now());
  });
}

void SyslogService::serve(udp::socket listener) {
  listen(listeners_.emplace_back(std::make_shared<Listener>(std::move(listener))));
}

void SyslogService::close(const udp::endpoint& address) {
  std::erase_if(listeners_, [&](const std::shared_ptr<Listener>& listener) {
    error_code error;
    return listener->socket.local_endpoint(error) == address && !error;
  });
}

void SyslogService::stop_listening() { listeners_.clear(); }

// Neither the wait nor the turn takes memory that there may not be.
void SyslogService::listen(const std::shared_ptr<Listener>& listener) {
  listener->wait.start(listener->socket, [this, weak = std::weak_ptr(listener)] {
    const auto held = weak.lock();
    if (!held) return;
    take_turn(*held);
    listen(held);
  });
}

void SyslogService::take_turn(Listener& listener) noexcept {
  const auto end = Clock::now() + longest_turn;
  for (int datagrams = 0; datagrams < most_at_once; ++datagrams) {
    const auto datagram = receive_from_anyone(listener.socket.native_handle(), buffer_);
    if (!datagram) return;
    const auto now = Clock::now();
    try {
      receive(*datagram, now);
    } catch (const std::exception&) {
      return;  // a line is lost where memory is short; the device sends others
    }
    if (now >= end) return;
  }
}

void SyslogService::receive(const Datagram& datagram, Clock::time_point now) {
  const auto client = datagram.from.address();
  if (const auto limit = limits_.knock(client, settings_->syslog, now)) return refuse(client, *limit, now);
  const std::string_view bytes(reinterpret_cast<const char*>(datagram.bytes.data()), datagram.bytes.size());
  const auto line = syslog::parse(bytes);
  auto messages = read_controller_log(line.text);
  if (messages.size() > most_messages) messages.resize(most_messages);
  const Sender sender{client, datagram.to, std::string(line.host)};
  for (auto& message : messages) hear(sender, std::move(message), now);
}

void SyslogService::refuse(const net::ip::address& client, event::SyslogLimit limit, Clock::time_point now) {
  // By the limit and not by the address: addresses are easily forged.
  const auto untold = refusals_.tell(std::to_string(static_cast<int>(limit)), now);
  events_.emit(event::SyslogRefused{client.to_string(), limit, untold.has_value(), untold.value_or(0)});
}

void SyslogService::hear(const Sender& sender, LogMessage message, Clock::time_point now) {
  const auto client = sender.address.to_string();
  auto before = conversations_.hear(client, message, now);
  if (!before || message.kind == LogMessage::Kind::device_asked) return;
  const auto untold = told_.tell(key_of(client, message), now);
  if (!untold) return;
  auto seen = seen_of(client, message, now);
  event::ControllerSaid said{client, sender.host, std::move(message), {}, {}, true, *untold};
  diagnose(sender, std::move(said), std::move(*before), std::move(seen));
}

SeenHere SyslogService::seen_of(const std::string& client, const LogMessage& message,
                                Clock::time_point now) const {
  return {requests_.of(client, now), requests_.for_file(take_apart(message.url).path, now)};
}

// On the lane that explains misses: it looks at every release. An address has a share of it only.
void SyslogService::diagnose(const Sender& sender, event::ControllerSaid said, SaidBefore before,
                             SeenHere seen) {
  auto share = diagnoses_.take(sender.address);
  if (!share) {
    auto found = too_many(said.said);
    said.finding = std::move(found.what), said.fix = std::move(found.fix);
    return events_.emit(said);
  }
  const auto held = std::make_shared<Shares::Share>(std::move(*share));
  auto look = [this, settings = settings_.now(), message = said.said, before = std::move(before),
               seen = std::move(seen), asked = sender.asked,
               speaker = escaped(sender.host.empty() ? said.client : sender.host)] {
    const Here here{*settings, library_.catalogue, addresses_for(asked)};
    return finding_of(here, message, before, speaker, seen);
  };
  auto tell = [this, held,
               said = std::move(said)](const std::optional<std::optional<Finding>>& found) mutable {
    if (!found || !*found) return;
    said.finding = (*found)->what;
    said.fix = (*found)->fix;
    said.bad = (*found)->bad;
    events_.emit(said);
  };
  lanes_.explaining.run(std::move(look), std::move(tell));
}

}  // namespace server
