#include "server/process/listen.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "server/os/datagram.hpp"
#include "server/os/host_text.hpp"
#include "server/os/port_claim.hpp"
#include "server/os/port_holder.hpp"
#include "server/os/port_words.hpp"
#include "server/os/service_manager.hpp"
#include "server/process/address_plan.hpp"
#include "server/text/escape.hpp"

namespace server {
namespace {

namespace errc = boost::system::errc;

template <class Names>
using Socket = std::conditional_t<Names::is_udp, udp::socket, tcp::acceptor>;

template <class Endpoint>
conf::Endpoint plain(const Endpoint& endpoint) {
  return {endpoint.address().to_string(), endpoint.port()};
}

template <class Names>
std::optional<PortHolder> holder_of(std::uint16_t port) {
  return Names::is_udp ? holder_of_udp(port) : holder_of_tcp(port);
}

template <class Names>
std::string holder_text(std::uint16_t port) {
  const auto holder = holder_of<Names>(port);
  if (!holder)
    return fmt::format("another program has the port: {} `{}` names it, stop that", host::as_administrator,
                       host::listeners(!Names::is_udp, port));
  const auto program = holder->program.empty() ? holder->unit : holder->program;
  const auto unit = holder->unit == program ? "" : holder->unit;
  return fmt::format("the port is in use by {} (PID {}{}): {}", escaped(program, whole), holder->pid,
                     unit.empty() ? "" : ", " + escaped(unit, whole), way_out(*holder));
}

// "or choose another with ssh.listen in the configuration, or --ssh 0.0.0.0:2222".
template <class Names>
std::string other_way_out(const conf::Endpoint& wanted) {
  auto text = fmt::format("or choose another with {} in the configuration", Names::key);
  if constexpr (Names::fallback != 0)
    text += fmt::format(", or {} {}", Names::flag, conf::Endpoint{wanted.address, Names::fallback}.text());
  return text;
}

template <class Names>
[[noreturn]] void fail(const conf::Endpoint& wanted, const error_code& error) {
  const bool may_pass = error != net::error::access_denied && error != net::error::address_in_use;
  throw ListenError(fmt::format("cannot listen on {} {}: {}; {}", Names::word, wanted.text(),
                                listen_failure<Names>(wanted, error), other_way_out<Names>(wanted)),
                    may_pass);
}

constexpr std::array<std::string_view, 5> given_names{TftpNames::given, SshNames::given, HttpNames::given,
                                                      HttpsNames::given, SyslogNames::given};

bool no_such_family(const error_code& error) {
  return error == net::error::address_family_not_supported || error == errc::address_not_available;
}

// All addresses of one protocol, or nothing and the reason in `failed`.
template <class Names>
std::vector<Listener<Socket<Names>>> open_all(net::io_context& loop,
                                              const std::vector<conf::Endpoint>& wanted,
                                              std::vector<std::string>& notes,
                                              std::optional<std::pair<conf::Endpoint, error_code>>& failed) {
  std::vector<Listener<Socket<Names>>> opened;
  for (const auto& endpoint : wanted) {
    error_code error;
    auto socket = open_listener<Names>(loop, endpoint, error);
    if (socket) {
      opened.push_back({endpoint, std::move(*socket)});
    } else if (may_be_missed(endpoint, error, wanted)) {
      notes.push_back(
          fmt::format("this host has no IPv6: {} {} is not served", Names::word, endpoint.text()));
    } else {
      failed.emplace(endpoint, error);
      return {};
    }
  }
  return opened;
}

template <class Names>
std::vector<Listener<Socket<Names>>> open_or_fall_back(net::io_context& loop,
                                                       std::vector<conf::Endpoint> wanted, bool chosen,
                                                       std::vector<std::string>& notes) {
  if (const auto text = unknown_interface(wanted))
    throw ListenError(fmt::format("cannot listen on {} {}", Names::word, *text), true);
  std::optional<std::pair<conf::Endpoint, error_code>> failed;
  auto opened = open_all<Names>(loop, wanted, notes, failed);
  if (!failed) return opened;
  const auto [endpoint, error] = *failed;
  const bool not_ours = error == net::error::access_denied || error == net::error::address_in_use;
  if (chosen || !not_ours) fail<Names>(endpoint, error);
  notes.push_back(fmt::format("cannot use {} port {} ({}); serving {} on port {} instead", Names::word,
                              endpoint.port, listen_failure<Names>(endpoint, error), Names::service,
                              Names::fallback));
  for (auto& other : wanted) other.port = Names::fallback;
  failed.reset();
  opened = open_all<Names>(loop, wanted, notes, failed);
  if (failed) fail<Names>(failed->first, failed->second);
  for (std::size_t i = 0; i < opened.size(); ++i) opened[i].wanted->port = endpoint.port;
  return opened;
}

// A socket that the service manager opened for us.
template <class Names>
Socket<Names> adopt(net::io_context& loop, HandedOver& given) {
  if (given.both_families)
    throw ListenError(fmt::format("{} hands over an IPv6 socket that takes IPv4 too: put "
                                  "BindIPv6Only=ipv6-only into it (`systemctl edit {}`), and an address for "
                                  "IPv4",
                                  Names::unit, Names::unit),
                      false);
  Socket<Names> socket(loop);
  socket.assign(given.v6 ? Names::Protocol::v6() : Names::Protocol::v4(), given.handle.release());
  socket.non_blocking(true);
  if constexpr (Names::is_udp) prepare_listener(socket);
  return socket;
}

// What was handed over under one of the two names of `Protocol`.
template <class Names>
std::vector<Socket<Names>> adopt_all(net::io_context& loop, std::vector<HandedOver>& handed_over,
                                     std::string_view name, std::vector<std::string>& notes) {
  std::vector<Socket<Names>> sockets;
  for (auto& each : handed_over) {
    if (each.name != name || !each.handle) continue;
    if (each.datagrams == Names::is_udp) {
      sockets.push_back(adopt<Names>(loop, each));
    } else {
      notes.push_back(
          fmt::format("{} hands over a socket that is not {}: it is not served", name, Names::word));
    }
  }
  return sockets;
}

template <class Names>
std::vector<Listener<Socket<Names>>> listen_for(net::io_context& loop,
                                                const std::vector<conf::Endpoint>& wanted, bool chosen,
                                                std::vector<HandedOver>& handed_over,
                                                std::vector<std::string>& notes) {
  std::vector<Listener<Socket<Names>>> listeners;
  std::vector<conf::Endpoint> given, kept;
  for (auto& socket : adopt_all<Names>(loop, handed_over, Names::given, notes)) {
    given.push_back(plain(socket.local_endpoint()));
    listeners.push_back({std::nullopt, std::move(socket)});
  }
  auto before = adopt_all<Names>(loop, handed_over, Names::kept, notes);
  for (const auto& socket : before) kept.push_back(plain(socket.local_endpoint()));
  auto plan = plan_addresses(Names::key, Names::unit, wanted, given, kept);
  std::ranges::move(plan.notes, std::back_inserter(notes));
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (std::ranges::find(plan.close, kept[i]) == plan.close.end())
      listeners.push_back({kept[i], std::move(before[i])});
  }
  before.clear();
  if (!kept.empty()) drop_kept(Names::kept);
  // What the manager still holds would be in the way of an address that takes its place.
  if (!plan.close.empty()) wait_for_manager();
  std::ranges::move(open_or_fall_back<Names>(loop, plan.open, chosen, notes), std::back_inserter(listeners));
  return listeners;
}

std::vector<tcp::acceptor> open_page(net::io_context& loop, const std::vector<conf::Endpoint>& wanted,
                                     std::vector<std::string>& notes) {
  std::vector<tcp::acceptor> opened;
  for (const auto& endpoint : wanted) {
    error_code error;
    auto acceptor = open_listener<SshNames>(loop, endpoint, error);
    if (acceptor) {
      opened.push_back(std::move(*acceptor));
    } else if (!may_be_missed(endpoint, error, wanted)) {
      notes.push_back(
          fmt::format("the page is not served on {}: {}; or choose another port with web.listen in the "
                      "configuration, or --web "
                      "127.0.0.1:8070",
                      endpoint.text(), listen_failure<SshNames>(endpoint, error)));
    }
  }
  return opened;
}

// Devices get their files whether or not their own words are heard.
std::vector<Listener<udp::socket>> listen_for_syslog(net::io_context& loop,
                                                     const std::vector<conf::Endpoint>& wanted,
                                                     std::vector<HandedOver>& handed_over,
                                                     std::vector<std::string>& notes) {
  try {
    return listen_for<SyslogNames>(loop, wanted, true, handed_over, notes);
  } catch (const ListenError& e) {
    notes.push_back(fmt::format("syslog is not heard: {}", e.what()));
    return {};
  }
}

}  // namespace

template <class Names>
std::string listen_failure(const conf::Endpoint& endpoint, const error_code& error) {
  // Linux tells that to a process without the privilege first, whether the port is free or not.
  const bool unprivileged = error == net::error::access_denied;
  if (unprivileged && !holder_of<Names>(endpoint.port)) return port_denied(!Names::is_udp, Names::unit);
  if (unprivileged || error == net::error::address_in_use) return holder_text<Names>(endpoint.port);
  if (error == errc::address_not_available)
    return fmt::format("no interface of this host has that address: `{}` lists them", list_addresses);
  return error.message();
}
template std::string listen_failure<TftpNames>(const conf::Endpoint&, const error_code&);
template std::string listen_failure<SshNames>(const conf::Endpoint&, const error_code&);
template std::string listen_failure<SyslogNames>(const conf::Endpoint&, const error_code&);
template std::string listen_failure<HttpNames>(const conf::Endpoint&, const error_code&);
template std::string listen_failure<HttpsNames>(const conf::Endpoint&, const error_code&);

bool may_be_missed(const conf::Endpoint& endpoint, const error_code& error,
                   const std::vector<conf::Endpoint>& wanted) {
  return endpoint.address == "::" && no_such_family(error) && wanted.size() > 1;
}

std::optional<udp::socket> open_listener(net::io_context& loop, const udp::endpoint& endpoint,
                                         error_code& error) {
  udp::socket socket(loop);
  socket.open(endpoint.protocol(), error);
  if (!error) claim_port(socket.native_handle(), false, error);
  if (!error && endpoint.protocol() == udp::v6()) socket.set_option(net::ip::v6_only(true), error);
  if (!error) socket.bind(endpoint, error);
  if (!error) socket.non_blocking(true, error);
  if (error) return {};
  prepare_listener(socket);
  return socket;
}

std::optional<tcp::acceptor> open_listener(net::io_context& loop, const tcp::endpoint& endpoint,
                                           error_code& error) {
  tcp::acceptor acceptor(loop);
  acceptor.open(endpoint.protocol(), error);
  if (!error) claim_port(acceptor.native_handle(), true, error);
  if (!error && endpoint.protocol() == tcp::v6()) acceptor.set_option(net::ip::v6_only(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(net::socket_base::max_listen_connections, error);
  if (error) return {};
  return acceptor;
}

std::string text_of(const udp::endpoint& endpoint) { return plain(endpoint).text(); }
std::string text_of(const tcp::endpoint& endpoint) { return plain(endpoint).text(); }

Listeners listen(net::io_context& loop, const ListenPlan& plan, std::vector<HandedOver> handed_over) {
  Listeners listeners;
  auto& notes = listeners.notes;
  listeners.tftp = listen_for<TftpNames>(loop, plan.tftp, plan.tftp_chosen, handed_over, notes);
  listeners.ssh = listen_for<SshNames>(loop, plan.ssh, plan.ssh_chosen, handed_over, notes);
  listeners.http = listen_for<HttpNames>(loop, plan.http, true, handed_over, notes);
  listeners.https = listen_for<HttpsNames>(loop, plan.https, true, handed_over, notes);
  listeners.syslog = listen_for_syslog(loop, plan.syslog, handed_over, notes);
  listeners.page = open_page(loop, plan.page, notes);
  if (listeners.tftp.empty() && listeners.ssh.empty() && listeners.http.empty() && listeners.https.empty())
    throw ListenError(nothing_to_serve(), false);
  for (const auto& each : handed_over) {
    if (each.handle && std::ranges::find(given_names, each.name) == given_names.end())
      notes.push_back(
          fmt::format("a socket called {} was handed over, which is none of {}: it is not served; "
                      "FileDescriptorName= of its unit says so",
                      escaped(each.name), fmt::join(given_names, ", ")));
  }
  return listeners;
}

}  // namespace server
