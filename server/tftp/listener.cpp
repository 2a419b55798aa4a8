#include "server/tftp/listener.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "conf/settings.hpp"
#include "server/events/events.hpp"
#include "server/events/tftp.hpp"
#include "server/events/warning.hpp"
#include "server/files/library.hpp"
#include "server/files/running.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/loop/succeeds.hpp"
#include "server/os/descriptors.hpp"
#include "server/os/service_manager.hpp"
#include "server/text/limit_name.hpp"
#include "server/tftp/read.hpp"
#include "server/tftp/write.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Packets of one wake-up, and the time for them, before others on the loop have their turn.
constexpr int most_at_once = 64;
constexpr auto longest_turn = 1ms;
// Of what a turn is told of closed ports: packets alone may fill it.
constexpr int least_at_once = 8;
// Transfers: each is told, logged, and gives back what it has.
constexpr int most_stopped_at_once = 32;
// More than a request may have, and more than a reader's ACKs and ERRORs have.
constexpr std::size_t listener_packet = tftp::largest_request + 1;
// Transfers of one client's port: the one that runs, and one that may take its place.
constexpr std::size_t most_of_one_port = 2;
// A client that was answered for the first time may be about to acknowledge it.
constexpr auto longest_first_answer = 1s;
// Devices stop to write their flash, and acknowledge nothing meanwhile.
constexpr auto longest_pause = 5s;
// Room for a whole window is worth it up to here.
constexpr std::size_t most_send_buffer = 1 << 20;

// Why a packet is answered with ERROR 4 before anything is looked up. Nothing: it is a request.
std::string_view fault_of(const std::expected<tftp::Request, tftp::Malformed>& request) {
  if (!request) {
    switch (request.error()) {
      case tftp::Malformed::unknown_mode:
        return "Unknown mode";
      case tftp::Malformed::too_large:
        return "Request too large";
      default:
        return "Request not null-terminated";
    }
  }
  return request->mode == tftp::Mode::mail ? "Mail is not delivered here: use octet" : "";
}

}  // namespace

TftpService::TftpService(net::io_context& loop, Lanes& lanes, Events& events, const LiveSettings& settings,
                         Library& library, Running& running)
    : common_{loop, lanes, events, settings, library, running},
      single_port_(settings->tftp.single_port),
      watch_(std::make_shared<SocketWatch>(loop)),
      buffer_(listener_packet) {
  heard_.reserve(std::size_t{2} * most_at_once);
}

void TftpService::serve(udp::socket listener) {
  if (single_port_) prepare_shared(listener);
  listen(listeners_.emplace_back(std::make_shared<Listener>(std::move(listener))));
}

// With single_port the transfers hold the socket until they end; else it is closed here.
void TftpService::close(const udp::endpoint& address) {
  std::erase_if(listeners_, [&](const std::shared_ptr<Listener>& listener) {
    error_code error;
    if (listener->socket.local_endpoint(error) != address || error) return false;
    listener->takes_requests = false;
    return true;
  });
}

void TftpService::stop_listening() {
  listening_ = false;
  listeners_.clear();  // as close() does: what no transfer holds would still read, and drop, what is asked
  const auto present = transfers_;  // a call may end its transfer, and take it out of the map
  for (const auto& [client, transfer] : present) transfer->end_dallying();
}

void TftpService::stop_transfers(std::function<void()> told) { stop_some(0, told); }

// Those after `last`. Where memory is too short for another turn, all are told in this one.
void TftpService::stop_some(TftpLimits::Id last, const std::function<void()>& told) {
  for (int i = 0; i < most_stopped_at_once; ++i) {
    const auto next = by_place_.upper_bound(last);
    if (next == by_place_.end()) return told();
    last = next->first;
    const auto transfer = next->second->second;
    transfer->stop();
  }
  if (!succeeds([&] { net::post(common_.loop, [this, last, told] { stop_some(last, told); }); }))
    stop_some(last, told);
}

// Neither the wait nor the turn takes memory that there may not be: a service that stopped to listen would be
// deaf until a restart.
void TftpService::listen(const std::shared_ptr<Listener>& listener) {
  listener->wait.start(listener->socket, [this, weak = std::weak_ptr(listener)] {
    const auto held = weak.lock();
    if (!held || !held->socket.is_open()) return;
    take_turn(held);
    if (held->socket.is_open()) listen(held);
  });
}

void TftpService::take_turn(const std::shared_ptr<Listener>& listener) noexcept {
  const auto end = Clock::now() + longest_turn;
  auto& socket = listener->socket;
  for (int packets = 0; packets < most_at_once && socket.is_open(); ++packets) {
    const auto datagram = receive_from_anyone(socket.native_handle(), buffer_);
    if (!datagram) break;
    const auto now = Clock::now();
    try {
      receive(listener, *datagram, now);
    } catch (const std::exception& e) {
      warn_of_dropped(e.what());
    }
    if (now >= end) break;
  }
  try {
    if (single_port_ && socket.is_open()) heed_unreachable(socket, end);
  } catch (const std::exception& e) {
    warn_of_dropped(e.what());
  }
  answer_heard(end);
}

void TftpService::warn_of_dropped(std::string_view why) noexcept {
  try {
    common_.events.warn_rarely(Warning::broken_off, fmt::format("a TFTP packet is dropped: {}", why));
  } catch (const std::exception&) {
    return;  // too little memory even to say so
  }
}

void TftpService::receive(const std::shared_ptr<Listener>& listener, const Datagram& datagram,
                          Clock::time_point now) {
  if (!tftp::is_request(datagram.bytes)) {
    // It may be forged, and an answer would go to whoever it is forged for.
    return single_port_ ? pass_on(datagram, now) : void();
  }
  if (!listening_ || !listener->takes_requests) return;
  const auto client = datagram.from.address();
  if (const auto limit = limits_->knock(client, common_.settings->tftp, now)) {
    return limited(datagram, *limit);
  }
  auto request = tftp::parse_request(datagram.bytes);
  if (request && repeats(datagram, *request)) return;
  const auto fault = fault_of(request);
  auto place = place_for(client);
  if (!place) return limited(datagram, place.error());
  auto port = port_for(listener, datagram);
  if (!port) return;
  TftpAsked asked{common_.events.next_number(),
                  std::move(request).value_or(tftp::Request{}),
                  client.to_string(),
                  client,
                  single_port_ || common_.settings->tftp.port_range.has_value(),
                  datagram.to_many};
  if (!fault.empty()) return refuse(*port, asked, fault, datagram.bytes.size());
  start(datagram.from, std::move(asked), std::move(*place), std::move(port));
}

// Room for one more, if need be at the cost of one that was never answered, or hangs.
std::expected<TftpPlace, event::Limit> TftpService::place_for(const net::ip::address& client) {
  const auto& tftp = common_.settings->tftp;
  const auto enter = [&] {
    return tftp.port_range && !single_port_
               ? limits_->enter(client, tftp, most_descriptors(), ports_->free(*tftp.port_range))
               : limits_->enter(client, tftp, most_descriptors());
  };
  auto id = enter();
  if (!id && give_way(client, id.error())) id = enter();
  if (!id) return std::unexpected(id.error());
  return TftpPlace(limits_, *id);
}

bool TftpService::give_way(const net::ip::address& client, event::Limit limit, bool has_place) {
  const auto id = limits_->gives_way(client, limit, Clock::now(), has_place);
  const auto place = id ? by_place_.find(*id) : by_place_.end();
  if (place == by_place_.end()) return false;
  const auto transfer = place->second->second;
  transfer->abandon(tftp::Cause::gave_way);
  return true;
}

void TftpService::pass_on(const Datagram& datagram, Clock::time_point now) {
  const auto transfer = newest(datagram.from);
  if (!transfer) return;
  transfer->packet(datagram.bytes, now);
  // Its answer comes when all that waits was heard: of ACKs only the last one counts.
  if (std::ranges::find(heard_, transfer) == heard_.end()) heard_.push_back(transfer);
}

// An older one of the same port only waits for the disk, and ends then.
std::shared_ptr<TftpTransfer> TftpService::newest(const udp::endpoint& client) const {
  const auto [begin, end] = transfers_.equal_range(client);
  return begin == end ? nullptr : std::prev(end)->second;
}

void TftpService::answer_heard(Clock::time_point end) noexcept {
  auto now = Clock::now();
  for (const auto& transfer : heard_) {
    try {
      if (now < end) {
        transfer->go_on(now);
        now = Clock::now();
      } else {
        transfer->answer_later();
      }
    } catch (const std::exception& e) {
      transfer->broke_off(e.what());
    }
  }
  heard_.clear();
}

void TftpService::heed_unreachable(udp::socket& listener, Clock::time_point end) {
  std::optional<udp::endpoint> closed;
  for (int i = 0; i < most_at_once && (i < least_at_once || Clock::now() < end); ++i) {
    if (!next_unreachable(listener.native_handle(), closed)) return;
    const auto transfer = closed ? newest(*closed) : nullptr;
    if (!transfer) continue;
    transfer->refused();
    if (std::ranges::find(heard_, transfer) == heard_.end()) heard_.push_back(transfer);
  }
}

// A late or doubled request is answered by the transfer that it began. Another one begins a new transfer
// beside the one that runs, and the client chooses by what it acknowledges: docs/decisions.md has a table of
// cases.
bool TftpService::repeats(const Datagram& datagram, const tftp::Request& request) {
  const auto [begin, end] = transfers_.equal_range(datagram.from);
  std::vector<std::shared_ptr<TftpTransfer>> present;
  for (auto place = begin; place != end; ++place) present.push_back(place->second);
  const Clock::duration so_long = single_port_ ? longest_pause : Clock::duration{};
  for (const auto& transfer : present) {
    transfer->catch_up();  // its last ACK, or an ERROR, may have come before this request
    if (transfer->is_for(request) && !transfer->hangs(so_long)) {
      transfer->repeated(request.size);
      return true;
    }
  }
  for (const auto& transfer : present) {
    const bool is_left = single_port_ ? transfer->hangs(so_long) : transfer->is_done();
    if (is_left || transfer->is_unanswered(longest_first_answer)) {
      transfer->abandon(tftp::Cause::new_request);
    } else if (single_port_) {
      return true;  // nobody could tell the two apart: the request waits until the first one hangs
    }
  }
  return transfers_.count(datagram.from) >= most_of_one_port;
}

// The client's transfers, but for those that it acknowledges.
void TftpService::keep_quiet(const udp::endpoint& client, bool quiet) {
  const auto [begin, end] = transfers_.equal_range(client);
  for (auto place = begin; place != end; ++place)
    if (!quiet || !place->second->flows()) place->second->keep_quiet(quiet);
}

void TftpService::start(const udp::endpoint& client, TftpAsked asked, TftpPlace place,
                        std::unique_ptr<TftpPort> port) {
  std::shared_ptr<TftpTransfer> transfer;
  if (asked.request.write) {
    transfer = std::make_shared<TftpWrite>(common_, std::move(asked), std::move(place), std::move(port));
  } else {
    transfer = std::make_shared<TftpRead>(common_, std::move(asked), std::move(place), std::move(port));
  }
  const auto id = transfer->place();
  keep_quiet(client, true);
  const auto at = transfers_.emplace(client, transfer);
  try {
    by_place_.emplace(id, at);
    transfer->start([this, id] { answered(id); }, [this, id] { ended(id); });
  } catch (const std::exception&) {
    by_place_.erase(id);
    transfers_.erase(at);
    keep_quiet(client, false);
    throw;
  }
}

// No answer: the device asks again, and may be luckier.
void TftpService::limited(const Datagram& datagram, event::Limit limit) {
  const auto number = common_.events.next_number();
  const auto client = datagram.from.address().to_string();
  if (!common_.noisy.may_tell(client, number, event::Noise::limited,
                              fmt::format("tftp.{}", limit_name(limit))))
    return;
  const auto request = tftp::parse_request(datagram.bytes);
  common_.events.emit(event::TftpLimited{number, client, request ? request->filename : "", limit});
}

// Who acknowledges the newer one of a port's two transfers has left the other.
void TftpService::answered(TftpLimits::Id id) {
  const auto newer = by_place_.find(id);
  if (newer == by_place_.end()) return;
  const auto [begin, end] = transfers_.equal_range(newer->second->first);
  std::vector<std::shared_ptr<TftpTransfer>> older;
  for (auto place = begin; place != end; ++place) {
    if (place->second->place() < id) older.push_back(place->second);
  }
  for (const auto& transfer : older) transfer->give_way();
}

void TftpService::ended(TftpLimits::Id id) {
  const auto place = by_place_.find(id);
  if (place == by_place_.end()) return;
  const auto transfer = place->second->second;  // lives until this is over
  const auto client = place->second->first;
  transfers_.erase(place->second);
  by_place_.erase(place);
  keep_quiet(client, false);
  if (transfers_.empty() && when_empty_) when_empty_();
}

void TftpService::refuse(TftpPort& port, const TftpAsked& asked, std::string_view text, std::size_t size) {
  constexpr auto code = tftp::ErrorCode::illegal_operation;
  const auto packet = tftp::encode_error(code, text.substr(0, tftp::longest_error_text_for(size)));
  std::error_code ignored;
  if (!asked.by_broadcast) port.send(packet, packet.size(), ignored);
  if (common_.noisy.may_tell(asked.client, asked.number, event::Noise::refused, text)) {
    common_.events.emit(event::TftpRefused{asked.number, asked.client, code, asked.by_broadcast});
  }
}

// Nothing when no answer can be sent: a forged source port of 0, or all of tftp.port_range in use.
std::unique_ptr<TftpPort> TftpService::port_for(const std::shared_ptr<Listener>& listener,
                                                const Datagram& datagram) {
  if (single_port_) {
    std::shared_ptr<udp::socket> socket(listener, &listener->socket);
    return std::make_unique<SharedPort>(watch_, std::move(socket), datagram.from, datagram.to);
  }
  const auto client = datagram.from.address();
  const auto& tftp = common_.settings->tftp;
  const auto buffer = std::min(std::size_t{tftp.max_window} * tftp.max_block_size, most_send_buffer);
  const auto range = tftp.port_range;
  // Those that another program has are passed over; they come back when one was found.
  std::vector<PortLease> passed_over;
  bool may_give_way = true;
  for (std::size_t tries = range ? range->last - range->first + 2U : 2U; tries > 0; --tries) {
    std::optional<PortLease> lease;
    std::uint16_t number = 0;
    if (range) {
      const auto port = ports_->take(*range, random_());
      if (!port && std::exchange(may_give_way, false) && give_way(client, event::Limit::transfers, true))
        continue;
      if (!port) break;
      number = *port;
      lease.emplace(ports_, *range, number);
    }
    std::error_code error;
    auto sockets = open_for_client(datagram.to, number, datagram.from, buffer, error);
    if (!error) return std::make_unique<OwnPort>(watch_, std::move(sockets), client, std::move(lease));
    if (error == std::errc::address_in_use && lease) {
      passed_over.push_back(std::move(*lease));
      continue;
    }
    const bool short_of_descriptors =
        error == std::errc::too_many_files_open || error == std::errc::too_many_files_open_in_system;
    if (short_of_descriptors && std::exchange(may_give_way, false) &&
        give_way(client, event::Limit::transfers, true))
      continue;
    common_.events.warn_rarely(Warning::tftp_resources,
                               fmt::format("TFTP requests are not answered: {}", no_descriptor_text(error)));
    return {};
  }
  common_.events.warn_rarely(
      Warning::ports, "all ports of tftp.port_range are in use: requests are dropped until one is free");
  return {};
}

}  // namespace server
