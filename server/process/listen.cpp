#include "server/process/listen.hpp"

#include <fmt/format.h>

#include "server/os/addresses.hpp"
#include "server/os/datagram.hpp"

namespace server {
namespace {

template <class Protocol>
constexpr std::string_view word_of = std::is_same_v<Protocol, udp> ? "UDP" : "TCP";
template <class Protocol>
constexpr std::string_view flag_of = std::is_same_v<Protocol, udp> ? "--tftp" : "--ssh";
template <class Protocol>
constexpr std::uint16_t fallback_of = std::is_same_v<Protocol, udp> ? 6969 : 2222;

template <class Protocol>
typename Protocol::endpoint endpoint_of(const conf::Endpoint& wanted) {
  return {net::ip::make_address(wanted.address), wanted.port};
}

// Why, and the first way out: what stands in the way.
template <class Protocol>
std::string reason_text(const error_code& error, std::uint16_t port) {
  if (error == net::error::access_denied) {
    return fmt::format(
        "permission denied, ports below 1024 need a privilege: run it as root or as the systemd service, or "
        "give the program the right with `setcap cap_net_bind_service=+ep $(command -v apdepot)`");
  }
  if (error == net::error::address_in_use) {
    return fmt::format("another program has the port: `ss -{}lnp 'sport = :{}'` names it, stop that",
                       std::is_same_v<Protocol, udp> ? "u" : "t", port);
  }
  if (error.value() == EADDRNOTAVAIL)
    return "no interface of this host has that address: `ip address` lists them";
  return error.message();
}

template <class Protocol>
[[noreturn]] void fail(const conf::Endpoint& wanted, const error_code& error) {
  throw ListenError(fmt::format("cannot listen on {} {}: {}; or choose another with {} {}", word_of<Protocol>,
                                wanted.text(), reason_text<Protocol>(error, wanted.port), flag_of<Protocol>,
                                conf::Endpoint{wanted.address, fallback_of<Protocol>}.text()));
}

udp::socket open_listener(net::io_context& loop, const udp::endpoint& endpoint, error_code& error) {
  udp::socket socket(loop);
  socket.open(endpoint.protocol(), error);
  if (!error && endpoint.protocol() == udp::v6()) socket.set_option(net::ip::v6_only(true), error);
  if (!error) socket.bind(endpoint, error);
  if (!error) socket.non_blocking(true, error);
  if (!error) prepare_listener(socket);
  return socket;
}

tcp::acceptor open_listener(net::io_context& loop, const tcp::endpoint& endpoint, error_code& error) {
  tcp::acceptor acceptor(loop);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.protocol() == tcp::v6()) acceptor.set_option(net::ip::v6_only(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(net::socket_base::max_listen_connections, error);
  return acceptor;
}

bool no_such_family(const error_code& error) {
  return error == net::error::address_family_not_supported || error.value() == EADDRNOTAVAIL;
}

// All addresses of one protocol, or nothing and the reason in `failed`.
template <class Protocol, class Socket>
std::vector<Socket> open_all(net::io_context& loop, const std::vector<conf::Endpoint>& wanted,
                             std::vector<std::string>& notes,
                             std::optional<std::pair<conf::Endpoint, error_code>>& failed) {
  std::vector<Socket> sockets;
  for (const auto& endpoint : wanted) {
    error_code error;
    auto socket = open_listener(loop, endpoint_of<Protocol>(endpoint), error);
    // A host without IPv6 is no reason not to serve by IPv4.
    if (error && endpoint.address == "::" && no_such_family(error) && wanted.size() > 1) {
      notes.push_back(
          fmt::format("this host has no IPv6: {} {} is not served", word_of<Protocol>, endpoint.text()));
      continue;
    }
    if (error) {
      failed.emplace(endpoint, error);
      return {};
    }
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

template <class Protocol, class Socket>
std::vector<Socket> open_or_fall_back(net::io_context& loop, std::vector<conf::Endpoint> wanted, bool chosen,
                                      std::vector<std::string>& notes) {
  if (const auto text = unknown_interface(wanted))
    throw ListenError(fmt::format("cannot listen on {} {}", word_of<Protocol>, *text));
  std::optional<std::pair<conf::Endpoint, error_code>> failed;
  auto sockets = open_all<Protocol, Socket>(loop, wanted, notes, failed);
  if (!failed) return sockets;
  const auto [endpoint, error] = *failed;
  const bool not_ours = error == net::error::access_denied || error == net::error::address_in_use;
  if (chosen || !not_ours) fail<Protocol>(endpoint, error);
  notes.push_back(fmt::format("cannot use {} port {} ({}); serving {} on port {} instead", word_of<Protocol>,
                              endpoint.port, reason_text<Protocol>(error, endpoint.port),
                              std::is_same_v<Protocol, udp> ? "TFTP" : "SFTP", fallback_of<Protocol>));
  for (auto& other : wanted) other.port = fallback_of<Protocol>;
  failed.reset();
  sockets = open_all<Protocol, Socket>(loop, wanted, notes, failed);
  if (failed) fail<Protocol>(failed->first, failed->second);
  return sockets;
}

template <class Endpoint>
std::string endpoint_text(const Endpoint& endpoint) {
  return conf::Endpoint{endpoint.address().to_string(), endpoint.port()}.text();
}

}  // namespace

std::string text_of(const udp::endpoint& endpoint) { return endpoint_text(endpoint); }
std::string text_of(const tcp::endpoint& endpoint) { return endpoint_text(endpoint); }

Listeners listen(net::io_context& loop, const ListenPlan& plan) {
  Listeners listeners;
  listeners.tftp = open_or_fall_back<udp, udp::socket>(loop, plan.tftp, plan.tftp_chosen, listeners.notes);
  listeners.ssh = open_or_fall_back<tcp, tcp::acceptor>(loop, plan.ssh, plan.ssh_chosen, listeners.notes);
  return listeners;
}

}  // namespace server
