#include "server/tftp_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "server/service.hpp"
#include "server/tftp_read.hpp"
#include "server/tftp_write.hpp"

namespace server {
namespace {

// Packets of one wake-up, before others on the loop have their turn.
constexpr int most_at_once = 64;
// Room for a whole window is worth it up to here.
constexpr std::size_t most_send_buffer = 1 << 20;

// Why a packet is answered with ERROR 4 before anything is looked up. Nothing: it is a request.
std::string_view fault_of(const std::expected<tftp::Request, tftp::Malformed>& request) {
  if (!request) {
    return request.error() == tftp::Malformed::unknown_mode ? "Unknown mode" : "Request not null-terminated";
  }
  return request->mode == tftp::Mode::mail ? "Mail is not delivered here: use octet" : "";
}

}  // namespace

TftpService::TftpService(Shared& shared)
    : shared_(shared),
      single_port_(shared.settings->tftp.single_port),
      watch_(std::make_shared<SocketWatch>(shared.loop)),
      noisy_(shared.loop, shared.events) {}

void TftpService::serve(udp::socket listener) {
  listeners_.push_back(std::move(listener));
  shared_.start(listen(listeners_.back()), "the TFTP listener");
}

void TftpService::stop_listening() {
  listening_ = false;
  if (!single_port_) {
    error_code ignored;
    for (auto& listener : listeners_) listener.close(ignored);
  }
  for_each([](TftpTransfer& transfer) { transfer.end_dallying(); });
}

void TftpService::stop_transfers() {
  for_each([](TftpTransfer& transfer) { transfer.stop(); });
}

// A call may end its transfer, and take it out of the map.
template <class Call>
void TftpService::for_each(Call call) {
  const auto present = transfers_;
  for (const auto& [client, transfer] : present) call(*transfer);
}

net::awaitable<void> TftpService::listen(udp::socket& listener) {
  std::vector<std::byte> buffer(65'536);
  while (listener.is_open()) {
    co_await listener.async_wait(udp::socket::wait_read, net::as_tuple(net::use_awaitable));
    for (int i = 0; i < most_at_once && listener.is_open(); ++i) {
      const auto datagram = receive_from_anyone(listener.native_handle(), buffer);
      if (!datagram) break;
      try {
        receive(listener, *datagram);
      } catch (const std::exception& e) {
        shared_.warn_rarely("tftp packet", fmt::format("a TFTP packet is dropped: {}", e.what()));
      }
    }
  }
}

void TftpService::receive(udp::socket& listener, const Datagram& datagram) {
  auto request = tftp::parse_request(datagram.bytes);
  if (!request && request.error() == tftp::Malformed::not_a_request) {
    // It may be forged, and an answer would go to whoever it is forged for.
    return single_port_ ? pass_on(datagram) : void();
  }
  if (!listening_ || (request && repeats(datagram, *request))) return;
  const auto fault = fault_of(request);
  TftpAsked asked{shared_.next_number(), std::move(request).value_or(tftp::Request{}),
                  datagram.from.address().to_string()};
  const auto client = datagram.from.address();
  if (const auto limit = limits_.enter(client, shared_.settings->tftp, TftpLimits::Clock::now())) {
    return limited(asked, *limit);
  }
  auto port = port_for(listener, datagram);
  if (!port) return limits_.left(client);
  if (!fault.empty()) {
    refuse(*port, asked, fault);
    return limits_.left(client);
  }
  start(datagram.from, std::move(asked), std::move(port));
}

void TftpService::pass_on(const Datagram& datagram) {
  const auto place = transfers_.find(datagram.from);
  if (place == transfers_.end()) return;
  const auto transfer = place->second;
  const auto now = std::chrono::steady_clock::now();
  transfer->packet(datagram.bytes, now);
  transfer->go_on(now);
}

// A late or doubled request is answered by the transfer that it began. But a device that rebooted asks again
// from the same port, and a client may use its port for the next file.
bool TftpService::repeats(const Datagram& datagram, const tftp::Request& request) {
  const auto place = transfers_.find(datagram.from);
  if (place == transfers_.end()) return false;
  const auto transfer = place->second;
  transfer->catch_up();  // its last ACK, or an ERROR, may have come before this request
  if (transfer->is_for(request) && !transfer->hangs()) {
    transfer->repeated();
    return true;
  }
  transfer->abandon("a new request from the same port");
  return false;
}

void TftpService::start(const udp::endpoint& client, TftpAsked asked, std::unique_ptr<TftpPort> port) {
  std::shared_ptr<TftpTransfer> transfer;
  if (asked.request.write) {
    transfer = std::make_shared<TftpWrite>(shared_, noisy_, std::move(asked), std::move(port));
  } else {
    transfer = std::make_shared<TftpRead>(shared_, noisy_, images_, std::move(asked), std::move(port));
  }
  transfers_.insert_or_assign(client, transfer);
  // The transfer outlives the call that ends it, by whoever makes that call.
  transfer->start([this, client, which = transfer.get()] { ended(client, which); });
}

// No answer: the device asks again, and may be luckier.
void TftpService::limited(const TftpAsked& asked, event::Limit limit) {
  if (!noisy_.may_tell(asked.client, asked.number, event::Noise::limited)) return;
  shared_.events.emit(event::TftpLimited{asked.number, asked.client, asked.request.filename, limit});
}

void TftpService::ended(const udp::endpoint& client, const TftpTransfer* transfer) {
  limits_.left(client.address());
  // A newer request of the same client may have taken the place.
  if (const auto place = transfers_.find(client);
      place != transfers_.end() && place->second.get() == transfer) {
    transfers_.erase(place);
  }
  if (transfers_.empty() && when_empty_) when_empty_();
}

void TftpService::refuse(TftpPort& port, const TftpAsked& asked, std::string_view text) {
  constexpr auto code = tftp::ErrorCode::illegal_operation;
  const auto packet = tftp::encode_error(code, text);
  std::error_code ignored;
  port.send(packet, packet.size(), ignored);
  if (noisy_.may_tell(asked.client, asked.number, event::Noise::refused)) {
    shared_.events.emit(event::TftpRefused{asked.number, asked.client, code});
  }
}

// Nothing when no answer can be sent: a forged source port of 0, or all of tftp.port_range in use.
std::unique_ptr<TftpPort> TftpService::port_for(udp::socket& listener, const Datagram& datagram) {
  if (single_port_) return std::make_unique<SharedPort>(listener, datagram.from, datagram.to);
  const auto& tftp = shared_.settings->tftp;
  const auto buffer = std::min(std::size_t{tftp.max_window} * tftp.max_block_size, most_send_buffer);
  const auto range = tftp.port_range;
  for (std::size_t tries = range ? range->last - range->first + 1U : 1U; tries > 0; --tries) {
    const auto number = range ? ports_->take(*range) : 0;
    if (!number) break;
    std::error_code error;
    auto sockets = open_for_client(datagram.to, *number, datagram.from, buffer, error);
    std::function<void()> give_back;
    if (range)
      give_back = [ports = ports_, range = *range, port = *number] { ports->give_back(port, range); };
    if (!error) return std::make_unique<OwnPort>(watch_, std::move(sockets), std::move(give_back));
    if (give_back) give_back();
    if (error == std::errc::address_in_use) continue;  // somebody else's; the next one
    shared_.warn_rarely("tftp port",
                        fmt::format("TFTP requests are not answered: {}", no_descriptor_text(error)));
    return {};
  }
  shared_.warn_rarely("all ports of tftp.port_range are in use: requests are dropped until one is free");
  return {};
}

}  // namespace server
