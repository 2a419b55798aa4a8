#include "server/doctor/ports.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <type_traits>

#include "conf/settings.hpp"
#include "server/doctor/check.hpp"
#include "server/loop/net.hpp"
#include "server/os/addresses.hpp"
#include "server/os/host_text.hpp"
#include "server/os/kernel.hpp"
#include "server/text/escape.hpp"

namespace server::doctor {
namespace {

namespace errc = boost::system::errc;
using Bound = Port::Bound;

Bound bound_by(const error_code& error) {
  if (!error) return Bound::free;
  if (error == net::error::address_in_use) return Bound::taken;
  if (error == net::error::access_denied) return Bound::denied;
  const bool not_here = error == errc::address_not_available || error == errc::no_such_device ||
                        error == net::error::address_family_not_supported;
  return not_here ? Bound::no_address : Bound::other;
}

// As the server does it, and without listening: nobody is kept waiting.
template <class Protocol>
Port bind_for_an_instant(const conf::Endpoint& endpoint) {
  constexpr bool connections = std::is_same_v<Protocol, tcp>;
  net::io_context loop;
  error_code error;
  const auto address = address_of(endpoint, error);
  const typename Protocol::endpoint place(address, endpoint.port);
  typename Protocol::socket socket(loop);
  if (!error) socket.open(place.protocol(), error);
  if (!error && connections) socket.set_option(net::socket_base::reuse_address(true), error);
  if (!error && address.is_v6()) socket.set_option(net::ip::v6_only(true), error);
  if (!error) socket.bind(place, error);
  Port port{endpoint, bound_by(error), error ? error.message() : std::string(), {}};
  if (port.bound == Bound::taken || port.bound == Bound::denied)
    port.holder = connections ? holder_of_tcp(endpoint.port) : holder_of_udp(endpoint.port);
  return port;
}

template <class Protocol>
std::vector<Port> read(const std::vector<conf::Endpoint>& wanted) {
  std::vector<Port> ports;
  for (const auto& endpoint : wanted)
    if (endpoint.port != 0) ports.push_back(bind_for_an_instant<Protocol>(endpoint));
  return ports;
}

bool has(const std::vector<conf::Endpoint>& all, const conf::Endpoint& one) {
  return std::ranges::find(all, one) != all.end();
}

std::string texts(const std::vector<conf::Endpoint>& endpoints) {
  std::vector<std::string> all;
  for (const auto& endpoint : endpoints) all.push_back(endpoint.text());
  return fmt::format("{}", fmt::join(all, ", "));
}

bool is_systemd(const PortHolder& holder) { return holder.pid == 1 || holder.unit == "init.scope"; }

// Without sshd a host that is far away is out of reach, and without dnsmasq devices may have no address: they
// stay.
std::string way_out(const PortHolder& holder) {
  if (is_sshd(holder)) return host::move_sshd;
  if (is_dnsmasq(holder)) return take_from_dnsmasq;
  if (!holder.unit.empty()) return host::stop_for_good(escaped(holder.unit, whole));
  return host::stop_process(static_cast<std::uint32_t>(holder.pid));
}

void judge_holder(const Door& door, const Port& port, Result& result) {
  const auto place = door.transport + " " + port.endpoint.text();
  if (!port.holder)
    return result.fails(fmt::format("another program has {}, which {} can see", place, host::administrator),
                        host::listeners(door.transport == "TCP", port.endpoint.port));
  const auto& holder = *port.holder;
  if (door.pid && holder.pid == *door.pid) return;
  if (is_systemd(holder)) {
    const bool named = holder.unit.ends_with(".socket");
    if (named ? !holder.unit.starts_with("apdepot-") : door.unit.empty())
      result.look(fmt::format("systemd holds {} for {}", place,
                              named ? escaped(holder.unit) : "a socket unit that is not apdepot's"),
                  "systemctl list-sockets");
    return;
  }
  const auto& program = holder.program.empty() ? holder.unit : holder.program;
  result.fails(
      fmt::format("{} (PID {}{}) has {}", escaped(program), holder.pid,
                  holder.unit.empty() || holder.unit == program ? "" : ", " + escaped(holder.unit), place),
      way_out(holder));
}

void judge(const Door& door, const Port& port, Result& result) {
  if (has(door.served, port.endpoint)) return;
  switch (port.bound) {
    case Bound::taken:
      return judge_holder(door, port, result);
    case Bound::denied:
      if (port.holder) judge_holder(door, port, result);
      return;  // else the row about rights says so
    case Bound::no_address:
      return;  // the row about addresses says so
    case Bound::other:
      return result.fails(
          fmt::format("cannot bind {} {}: {}", door.transport, port.endpoint.text(), port.error));
    case Bound::free:
      break;
  }
  // After a restart a service that has no right to a low port would serve nothing at all.
  const bool by_unit = !door.unit.empty() && port.endpoint.port < Ports().first_unprivileged;
  if (door.running && !door.served.empty())
    result.look(fmt::format("the server serves {} on {}, and not on {}, as {} says", door.service,
                            texts(door.served), port.endpoint.text(), door.key),
                by_unit ? fmt::format("systemctl edit {0} && systemctl stop {0} && systemctl restart apdepot",
                                      door.unit)
                        : std::string(host::restart));
}

bool is_low(const Port& port, std::uint64_t first_unprivileged) {
  return port.endpoint.port < first_unprivileged;
}

bool has_usual_port(const Door& door, const std::vector<conf::Endpoint>& places) {
  return door.usual == 0 || std::ranges::find(places, door.usual, &conf::Endpoint::port) != places.end();
}

// What of each protocol the sight has.
struct Named {
  const char *service, *transport, *key;
  std::uint16_t usual;
  std::vector<Port> Ports::*ports;
  std::vector<conf::Endpoint> ServerFacts::*served;
  const char* (*unit)(const Units& units);  // that is in use; "": none
};
const char* unit_of_tftp(const Units& units) { return units.tftp.is_in_use() ? "apdepot-tftp.socket" : ""; }
const char* unit_of_ssh(const Units& units) { return units.ssh.is_in_use() ? "apdepot-ssh.socket" : ""; }
const char* unit_of_http(const Units& units) {
  return units.http.is_in_use()    ? "apdepot-http.socket"
         : units.https.is_in_use() ? "apdepot-https.socket"
                                   : "";
}
constexpr Named of_tftp{"TFTP", "UDP", "tftp.listen", 69, &Ports::tftp, &ServerFacts::tftp, unit_of_tftp};
constexpr Named of_ssh{"SFTP", "TCP", "ssh.listen", 22, &Ports::ssh, &ServerFacts::ssh, unit_of_ssh};
constexpr Named of_http{"HTTP", "TCP", "http.listen", 0, &Ports::http, &ServerFacts::http, unit_of_http};

Door door_of(const Sight& sight, const Named& named, std::vector<conf::Endpoint> wanted) {
  Door door;
  door.service = named.service;
  door.transport = named.transport;
  door.key = named.key;
  door.usual = named.usual;
  door.wanted = std::move(wanted);
  if (sight.ports) door.ports = *sight.ports.*named.ports;
  if (const auto& server = sight.server.server) {
    door.running = true;
    door.served = *server.*named.served;
    door.pid = server->pid;
  }
  if (sight.units) door.unit = named.unit(*sight.units);
  return door;
}

Door tftp_door(const Sight& sight) { return door_of(sight, of_tftp, sight.settings->tftp.listen); }
Door ssh_door(const Sight& sight) { return door_of(sight, of_ssh, sight.settings->ssh.listen); }
Door http_door(const Sight& sight) { return door_of(sight, of_http, sight.settings->http.endpoints()); }

void look(Sight& sight) {
  if (!sight.ports) sight.ports = read_ports(*sight.settings);
  if (!sight.units) sight.units = read_units();
}

Result run_tftp(const Sight& sight) { return judge_port(tftp_door(sight)); }
Result run_ssh(const Sight& sight) { return judge_port(ssh_door(sight)); }
Result run_http(const Sight& sight) { return judge_port(http_door(sight)); }
Result run_rights(const Sight& sight) {
  return judge_port_rights({tftp_door(sight), ssh_door(sight), http_door(sight)},
                           sight.ports ? sight.ports->first_unprivileged : Ports().first_unprivileged,
                           sight.root);
}

}  // namespace

Ports read_ports(const conf::Settings& settings) {
  Ports ports{read<udp>(settings.tftp.listen), read<tcp>(settings.ssh.listen),
              read<tcp>(settings.http.endpoints())};
  if (const auto first = kernel_setting("net/ipv4/ip_unprivileged_port_start"))
    ports.first_unprivileged = *first;
  return ports;
}

Result judge_port(const Door& door) {
  if (door.wanted.empty() && door.served.empty())
    return all_well(fmt::format("{} is switched off: {} is []", door.service, door.key));
  Result result;
  for (const auto& port : door.ports) judge(door, port, result);
  const auto& places = door.running ? door.served : door.wanted;
  if (places.empty()) {
    result.fails(fmt::format("the server runs and does not serve {}: its log says why", door.service),
                 host::log_warnings);
  } else if (!has_usual_port(door, places)) {
    result.look(fmt::format("controllers ask for {} on {} {} only, and it is served on {}", door.service,
                            door.transport, door.usual, texts(places)),
                fmt::format("{0}: [\"0.0.0.0:{1}\", \"[::]:{1}\"]", door.key, door.usual));
  }
  return std::move(result).or_ok(door.running
                                     ? fmt::format("served on {} {}", door.transport, texts(places))
                                     : fmt::format("{} {} can be used", door.transport, texts(places)));
}

Result judge_port_rights(const std::vector<Door>& doors, std::uint64_t first_unprivileged, bool root) {
  Result result;
  bool low = false, units = true, running = true;
  for (const auto& door : doors) {
    for (const auto& port : door.ports) {
      if (!is_low(port, first_unprivileged)) continue;
      low = true;
      const bool served = has(door.served, port.endpoint);
      running &= served;
      units &= !door.unit.empty();
      if (served || !door.unit.empty() || port.bound != Bound::denied) continue;
      result.fails(fmt::format("this user may not bind {} {}: ports below {} need a privilege",
                               door.transport, port.endpoint.text(), first_unprivileged),
                   fmt::format("sysctl -w net.ipv4.ip_unprivileged_port_start={}", port.endpoint.port));
    }
  }
  if (!low) return std::move(result).or_ok("no port that needs a privilege is used");
  if (running) return std::move(result).or_ok("the server has its ports");
  if (units) return std::move(result).or_ok("systemd opens the ports for the service");
  return std::move(result).or_ok(root ? "root may bind the ports, and the server gives root up after that"
                                      : "this user may bind the ports");
}

std::vector<conf::Endpoint> addresses_gone(const Ports& ports) {
  std::vector<conf::Endpoint> gone;
  for (const auto* all : {&ports.tftp, &ports.ssh, &ports.http})
    for (const auto& port : *all)
      if (port.bound == Bound::no_address && port.endpoint.address != "::") gone.push_back(port.endpoint);
  return gone;
}

const Check tftp_port_check{"port-69", "port 69", look, run_tftp};
const Check ssh_port_check{"port-22", "port 22", look, run_ssh};
const Check http_port_check{"http-ports", "HTTP ports", look, run_http};
const Check port_rights_check{"port-rights", "port rights", look, run_rights};

}  // namespace server::doctor
