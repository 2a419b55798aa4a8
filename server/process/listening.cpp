#include "server/process/listening.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "conf/endpoint.hpp"
#include "server/os/addresses.hpp"
#include "server/os/service_manager.hpp"
#include "server/process/address_plan.hpp"

namespace server {
namespace {

template <class Protocol>
using Socket = std::conditional_t<std::is_same_v<Protocol, udp>, udp::socket, tcp::acceptor>;

// The address of `open` that stands in the way of `endpoint`.
const conf::Endpoint* overlap(const std::vector<conf::Endpoint>& open, const conf::Endpoint& endpoint) {
  const auto found = std::ranges::find_if(open, [&](const auto& other) {
    return conf::clash_of({other, endpoint}).has_value();
  });
  return found == open.end() ? nullptr : &*found;
}

// Root's rights, and the capability, were given up when the server had started.
template <class Protocol>
std::string failure(const conf::Endpoint& endpoint, const error_code& error) {
  if (error == net::error::access_denied)
    return "a port below 1024 takes a right that the server gave up after its start: restart it "
           "(`systemctl restart apdepot`; a unit of your own needs "
           "AmbientCapabilities=CAP_NET_BIND_SERVICE)";
  return listen_failure<Protocol>(endpoint, error);
}

// All of `plan.open`, or the reason why not.
template <class Protocol>
std::expected<std::vector<Listener<Socket<Protocol>>>, std::string> open_new(
    net::io_context& loop, const AddressPlan& plan, const std::vector<conf::Endpoint>& wanted) {
  if (auto text = unknown_interface(plan.open)) return std::unexpected(std::move(*text));
  std::vector<Listener<Socket<Protocol>>> opened;
  for (const auto& endpoint : plan.open) {
    if (const auto* const other = overlap(plan.close, endpoint))
      return std::unexpected(fmt::format("{} overlaps with {}, which is open: restart the server",
                                         endpoint.text(), other->text()));
    error_code error;
    auto socket = open_listener(
        loop, typename Protocol::endpoint(net::ip::make_address(endpoint.address), endpoint.port), error);
    if (socket) {
      opened.push_back({endpoint, std::move(*socket)});
    } else if (!may_be_missed(endpoint, error, wanted)) {
      return std::unexpected(endpoint.text() + ": " + failure<Protocol>(endpoint, error));
    }
  }
  return opened;
}

}  // namespace

void Listening::begin(Listeners& listeners) {
  for (auto& each : listeners.tftp)
    serve<udp>(tftp_, tftp_open_, std::move(each.wanted), std::move(each.socket));
  for (auto& each : listeners.ssh)
    serve<tcp>(ssh_, ssh_open_, std::move(each.wanted), std::move(each.socket));
  keep(tftp_open_);
  keep(ssh_open_);
}

std::vector<std::string> Listening::follow(const conf::Settings& settings) {
  std::vector<std::string> notes;
  follow(tftp_, tftp_open_, settings.tftp.listen, notes);
  follow(ssh_, ssh_open_, settings.ssh.listen, notes);
  return notes;
}

template <class Protocol, class Service, class Socket>
void Listening::serve(Service& service, std::vector<Open<Protocol>>& open,
                      std::optional<conf::Endpoint> wanted, Socket socket) {
  open.push_back({std::move(wanted), socket.local_endpoint(), socket.native_handle()});
  service.serve(std::move(socket));
}

template <class Protocol, class Service>
void Listening::follow(Service& service, std::vector<Open<Protocol>>& open,
                       const std::vector<conf::Endpoint>& wanted, std::vector<std::string>& notes) {
  using Names = ListenNames<Protocol>;
  std::vector<conf::Endpoint> handed_over, running;
  for (const auto& each : open) {
    if (each.wanted)
      running.push_back(*each.wanted);
    else
      handed_over.push_back({each.bound.address().to_string(), each.bound.port()});
  }
  auto plan = plan_addresses(Names::key, Names::unit, wanted, handed_over, running);
  if (plan.open.empty() && plan.close.empty()) return;
  auto opened = open_new<Protocol>(loop_, plan, wanted);
  if (!opened) {
    notes.push_back(fmt::format("{} is not changed, the old addresses are served: cannot listen on {} {}",
                                Names::key, Names::word, opened.error()));
    return;
  }
  for (auto& each : *opened) {
    notes.push_back(
        fmt::format("{} {} is served from now on", Names::service, text_of(each.socket.local_endpoint())));
    serve<Protocol>(service, open, std::move(each.wanted), std::move(each.socket));
  }
  std::erase_if(open, [&](const Open<Protocol>& each) {
    if (!each.wanted || std::ranges::find(plan.close, *each.wanted) == plan.close.end()) return false;
    notes.push_back(fmt::format("{} {} is not served any more", Names::service, text_of(each.bound)));
    service.close(each.bound);
    return true;
  });
  std::ranges::move(plan.notes, std::back_inserter(notes));
  drop_kept(Names::kept);
  keep(open);
}

std::vector<std::string> Listening::open_again(const conf::Endpoint& endpoint) {
  std::vector<std::string> notes;
  open_again(tftp_, tftp_open_, endpoint, notes);
  open_again(ssh_, ssh_open_, endpoint, notes);
  return notes;
}

template <class Protocol, class Service>
void Listening::open_again(Service& service, std::vector<Open<Protocol>>& open,
                           const conf::Endpoint& endpoint, std::vector<std::string>& notes) {
  using Names = ListenNames<Protocol>;
  const auto old = std::ranges::find(open, std::optional(endpoint), &Open<Protocol>::wanted);
  if (old == open.end()) return;
  error_code error;
  auto socket = open_listener(
      loop_, typename Protocol::endpoint(net::ip::make_address(endpoint.address), endpoint.port), error);
  if (!socket) {
    notes.push_back(fmt::format("nothing is heard on {} {} any more: its interface was made again, and {}",
                                Names::service, endpoint.text(), failure<Protocol>(endpoint, error)));
    return;
  }
  service.close(old->bound);
  open.erase(old);
  serve<Protocol>(service, open, endpoint, std::move(*socket));
  notes.push_back(
      fmt::format("{} {} is served again: its interface was made again", Names::service, endpoint.text()));
  drop_kept(Names::kept);
  keep(open);
}

template <class Protocol>
void Listening::keep(const std::vector<Open<Protocol>>& open) const {
  for (const auto& each : open)
    if (each.wanted) keep_socket(each.handle, ListenNames<Protocol>::kept);
}

std::string Listening::text() const {
  std::string text;
  for (const auto& each : tftp_open_) text += fmt::format("tftp {}, ", text_of(each.bound));
  for (const auto& each : ssh_open_) text += fmt::format("ssh {}, ", text_of(each.bound));
  return text;
}

bool Listening::on_usual_ports() const {
  return std::ranges::all_of(tftp_open_, [](const auto& each) { return each.bound.port() == 69; }) &&
         std::ranges::all_of(ssh_open_, [](const auto& each) { return each.bound.port() == 22; });
}

}  // namespace server
