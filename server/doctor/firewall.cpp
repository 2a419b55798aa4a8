#include "server/doctor/firewall.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "conf/settings.hpp"
#include "server/doctor/check.hpp"
#include "server/text/escape.hpp"

namespace server::doctor {
namespace {

using Fate = PacketFilter::Fate;

std::string ports_text(const conf::PortRange& ports) {
  return ports.first == ports.last ? fmt::format("{}", ports.first)
                                   : fmt::format("{}-{}", ports.first, ports.last);
}

// The command that lets the packet in, of the tool that made the rules.
std::string opening(const FirewallReading& reading, const FilterChain& chain, const Packet& packet) {
  const auto* protocol = packet.tcp ? "tcp" : "udp";
  const auto ports = ports_text(packet.port);
  const bool range = packet.port.first != packet.port.last;
  if (reading.has_firewalld)
    return fmt::format("firewall-cmd --permanent --add-port={}/{} && firewall-cmd --reload", ports, protocol);
  if (reading.has_ufw)
    return range ? fmt::format("ufw allow {}:{}/{}", packet.port.first, packet.port.last, protocol)
                 : fmt::format("ufw allow {}/{}", ports, protocol);
  if (chain.family == "ip" && chain.name == "INPUT")
    return fmt::format("iptables -I INPUT -p {} --dport {} -j ACCEPT", protocol,
                       range ? fmt::format("{}:{}", packet.port.first, packet.port.last) : ports);
  return fmt::format("nft insert rule {} {} {} {} dport {} accept", escaped(chain.family),
                     escaped(chain.table), escaped(chain.name), protocol, ports);
}

std::string packet_text(const Packet& packet) {
  return fmt::format("{} {}", packet.tcp ? "TCP" : "UDP", ports_text(packet.port));
}

void judge_request(const FirewallReading& reading, const Packet& packet, Result& result) {
  const auto judgement = reading.filter->judge(packet);
  if (judgement.fate == Fate::dropped) {
    result.fails(fmt::format("the firewall drops {}, by {}", packet_text(packet), judgement.by->text()),
                 opening(reading, *judgement.by, packet));
  } else if (judgement.fate == Fate::unsure) {
    result.unknown(fmt::format("whether the firewall lets {} in depends on more than can be judged here: {}",
                               packet_text(packet), judgement.by->text()),
                   reading.has_firewalld ? "firewall-cmd --list-all"
                   : reading.has_ufw     ? "ufw status verbose"
                                         : "nft list ruleset");
  }
}

void add_ports(const std::vector<conf::Endpoint>& endpoints, std::vector<std::uint16_t>& ports) {
  for (const auto& endpoint : endpoints)
    if (endpoint.port != 0 && std::ranges::find(ports, endpoint.port) == ports.end())
      ports.push_back(endpoint.port);
}

void look(Sight& sight) {
  if (!sight.firewall) sight.firewall = read_firewall();
}

Result run_firewall(const Sight& sight) {
  if (!sight.firewall) return not_seen("the firewall's rules could not be read");
  const auto& server = sight.server.server;
  std::vector<std::uint16_t> udp, tcp;
  add_ports(server ? server->tftp : sight.settings->tftp.listen, udp);
  add_ports(server ? server->ssh : sight.settings->ssh.listen, tcp);
  add_ports(server ? server->http : sight.settings->http.endpoints(), tcp);
  return judge_firewall(*sight.firewall, udp, tcp);
}

Result run_reply_ports(const Sight& sight) {
  if (!sight.firewall) return not_seen("the firewall's rules could not be read");
  return judge_reply_ports(*sight.firewall, sight.settings->tftp);
}

}  // namespace

Result judge_firewall(const FirewallReading& reading, const std::vector<std::uint16_t>& udp,
                      const std::vector<std::uint16_t>& tcp) {
  if (!reading.filter) return not_seen(reading.failure);
  if (reading.filter->empty()) return all_well("no rule looks at what comes in");
  Result result;
  for (const auto port : udp) judge_request(reading, {false, {port, port}}, result);
  for (const auto port : tcp) judge_request(reading, {true, {port, port}}, result);
  return std::move(result).or_ok("its rules let in what devices ask for");
}

// The server sends the first packet from a transfer's port, so that what comes back belongs to a connection
// that the firewall knows: most rulesets let that in without a word about ports.
Result judge_reply_ports(const FirewallReading& reading, const conf::Tftp& settings) {
  if (settings.listen.empty()) return all_well("TFTP is switched off: tftp.listen is []");
  if (settings.single_port) return all_well("transfers use the port that is listened on");
  if (!reading.filter) return not_seen(reading.failure);
  if (reading.filter->empty()) return all_well("no rule looks at what comes in");
  const auto ports = settings.port_range ? settings.port_range : reading.local_ports;
  if (!ports) return not_seen("the kernel does not say which ports transfers get");
  const Packet packet{false, *ports, true};
  const auto judgement = reading.filter->judge(packet);
  Result result;
  if (judgement.fate == Fate::dropped) {
    const auto found =
        fmt::format("the firewall drops what devices answer to the ports of transfers, {}, by {}",
                    packet_text(packet), judgement.by->text());
    result.fails(found, settings.port_range ? opening(reading, *judgement.by, packet)
                                            : std::string("tftp.single_port: true"));
  } else if (judgement.fate == Fate::unsure) {
    result.unknown(
        fmt::format("whether the firewall lets in what devices answer to {} depends on more than "
                    "can be judged here: {}",
                    packet_text(packet), judgement.by->text()));
  }
  return std::move(result).or_ok(fmt::format("what devices answer to {} is let in", packet_text(packet)));
}

const Check firewall_check{"firewall", "firewall", look, run_firewall};
const Check reply_ports_check{"reply-ports", "reply ports", look, run_reply_ports};

}  // namespace server::doctor
