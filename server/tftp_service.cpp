#include "server/tftp_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

namespace server {
namespace {

// Requests of one wake-up, before others on the loop have their turn.
constexpr int most_at_once = 64;

std::string what_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  }
}

// Room for a whole window is worth it up to here.
constexpr std::size_t most_send_buffer = 1 << 20;

}  // namespace

void TftpService::serve(udp::socket listener) {
  listeners_.push_back(std::move(listener));
  shared_.start(listen(listeners_.back()), "the TFTP listener");
}

void TftpService::stop_listening() {
  for (auto& listener : listeners_) {
    error_code ignored;
    listener.close(ignored);
  }
}

void TftpService::stop_transfers() {
  for (const auto& [client, transfer] : transfers_) transfer->stop();
}

net::awaitable<void> TftpService::listen(udp::socket& listener) {
  std::vector<std::byte> buffer(65'536);
  while (listener.is_open()) {
    co_await listener.async_wait(udp::socket::wait_read, net::as_tuple(net::use_awaitable));
    for (int i = 0; i < most_at_once && listener.is_open(); ++i) {
      const auto datagram = receive_request(listener, buffer);
      if (!datagram) break;
      try {
        request(*datagram);
      } catch (const std::exception& e) {
        shared_.warn_rarely(fmt::format("a TFTP request is dropped: {}", e.what()));
      }
    }
  }
}

void TftpService::request(const Datagram& datagram) {
  using tftp::ErrorCode;
  auto request = tftp::parse_request(datagram.bytes);
  if (!request) {
    // Anything but a request on this port may be forged, and an answer would go to whoever it is forged for.
    if (request.error() == tftp::Malformed::not_a_request) return;
    const bool mode = request.error() == tftp::Malformed::unknown_mode;
    return refuse(datagram, shared_.next_number(), ErrorCode::illegal_operation,
                  mode ? "Unknown mode" : "Request not null-terminated");
  }
  if (const auto running = transfers_.find(datagram.from); running != transfers_.end()) {
    // A late or doubled request: the transfer's timer takes care of it. But a device that rebooted asks again
    // from the same port, and a client may use its port for the next file.
    if (running->second->name() == request->filename && !running->second->hangs()) return;
    running->second->abandon("a new request from the same port");
  }
  const auto number = shared_.next_number();
  shared_.events.emit(
      event::TftpRequested{number, datagram.from.address().to_string(), request->filename, request->write});
  if (request->write) {
    refuse(datagram, number, ErrorCode::access_denied, "Access denied: this server is read-only");
    const storage::Miss miss{storage::Cause::write_refused, "uploads are not accepted", "", {}, {}};
    return shared_.events.emit(event::Missed{number, event::Protocol::tftp, miss});
  }
  if (request->mode != tftp::Mode::octet) {
    return refuse(datagram, number, ErrorCode::illegal_operation,
                  "Only octet mode is served: set the client to binary");
  }
  start(datagram, number, std::move(*request));
}

void TftpService::refuse(const Datagram& datagram, std::uint64_t number, tftp::ErrorCode code,
                         std::string_view text) {
  auto socket = answer_socket(datagram);
  if (!socket) return;
  error_code ignored;
  socket->send(net::buffer(tftp::encode_error(code, text)), 0, ignored);
  shared_.events.emit(event::TftpRefused{number, datagram.from.address().to_string(), code});
}

// Nothing when no answer can be sent: a forged source port of 0, or all of tftp.port_range in use.
std::optional<udp::socket> TftpService::answer_socket(const Datagram& datagram) {
  const auto& tftp = shared_.settings->tftp;
  const auto buffer = std::min(std::size_t{tftp.max_window} * tftp.max_block_size, most_send_buffer);
  const auto range = tftp.port_range.value_or(conf::PortRange{0, 0});
  const unsigned count = range.last - range.first + 1U;
  const auto first = static_cast<unsigned>(next_port_++);
  for (unsigned i = 0; i < count; ++i) {
    error_code error;
    const auto port = static_cast<std::uint16_t>(range.first + (first + i) % count);
    auto socket = connect_transfer(shared_.loop, datagram.to, port, datagram.from, buffer, error);
    if (!error) return socket;
    if (error == net::error::address_in_use) continue;
    shared_.warn_rarely(fmt::format("TFTP requests are not answered: {}", error.message()));
    return {};
  }
  shared_.events.emit(
      event::Warned{fmt::format("all ports of tftp.port_range are in use: the request of {} is dropped",
                                datagram.from.address().to_string())});
  return {};
}

void TftpService::start(const Datagram& datagram, std::uint64_t number, tftp::Request request) {
  auto socket = answer_socket(datagram);
  if (!socket) return;
  const auto transfer =
      std::make_shared<TftpTransfer>(shared_, number, std::move(request), std::move(*socket), datagram.from);
  transfers_.insert_or_assign(datagram.from, transfer);
  net::co_spawn(shared_.loop, transfer->run(),
                [this, transfer, client = datagram.from](const std::exception_ptr& error) {
                  // A newer request of the same client may have taken the place.
                  if (const auto place = transfers_.find(client);
                      place != transfers_.end() && place->second == transfer) {
                    transfers_.erase(place);
                  }
                  if (error)
                    shared_.events.emit(event::Warned{"a TFTP transfer broke off: " + what_of(error)});
                  if (transfers_.empty() && when_empty_) when_empty_();
                });
}

}  // namespace server
