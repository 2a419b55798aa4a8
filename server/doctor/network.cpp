#include "server/doctor/network.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "conf/settings.hpp"
#include "server/doctor/check.hpp"
#include "server/os/addresses.hpp"
#include "server/os/kernel.hpp"
#include "server/text/escape.hpp"

namespace server::doctor {
namespace {

constexpr std::uint64_t strict = 1, loose = 2;           // of rp_filter
constexpr std::uint32_t usual_mtu = 1500, headers = 32;  // of IP, UDP and TFTP, both in bytes

bool has_ipv4(const Interface& interface) {
  return std::ranges::any_of(interface.addresses, [](const auto& each) { return each.is_v4(); });
}

// The stricter of what holds for all and for one, where "loose" counts as more than "strict".
std::uint64_t filter_of(const std::map<std::string, std::uint64_t>& filters, const std::string& name) {
  std::uint64_t most = 0;
  for (const auto& each : {std::string("all"), name})
    if (const auto found = filters.find(each); found != filters.end()) most = std::max(most, found->second);
  return most;
}

Result run_reverse_path(const Sight&) {
  const auto interfaces = own_interfaces();
  std::map<std::string, std::uint64_t> filters;
  std::vector<std::string> names{"all"};
  for (const auto& interface : interfaces) names.push_back(interface.name);
  for (const auto& name : names)
    if (const auto value = kernel_setting(fmt::format("net/ipv4/conf/{}/rp_filter", name)))
      filters[name] = *value;
  return judge_reverse_path(interfaces, filters);
}

Result run_mtu(const Sight& sight) {
  if (sight.settings->tftp.listen.empty()) return all_well("TFTP is switched off: tftp.listen is []");
  return judge_mtu(own_interfaces(), sight.settings->tftp.max_block_size);
}

void look(Sight& sight) {
  if (!sight.ports) sight.ports = read_ports(*sight.settings);
}

Result run_address(const Sight& sight) {
  return judge_address(own_interfaces(),
                       sight.ports ? addresses_gone(*sight.ports) : std::vector<conf::Endpoint>{});
}

}  // namespace

Result judge_reverse_path(const std::vector<Interface>& interfaces,
                          const std::map<std::string, std::uint64_t>& filters) {
  std::vector<std::string> reached, filtered;
  for (const auto& interface : interfaces) {
    if (!has_ipv4(interface)) continue;
    reached.push_back(escaped(interface.name));
    if (filter_of(filters, interface.name) == strict) filtered.push_back(escaped(interface.name));
  }
  Result result;
  if (reached.size() > 1 && !filtered.empty())
    result.look(fmt::format("this host has {} interfaces, and the kernel drops what comes in on {} from a "
                            "device that it would answer by another one (rp_filter is {})",
                            reached.size(), fmt::join(filtered, ", "), strict),
                fmt::format("sysctl -w net.ipv4.conf.all.rp_filter={}", loose));
  return std::move(result).or_ok(reached.size() > 1 ? "several interfaces, none with a strict rp_filter"
                                                    : "one interface at most: there is one way only");
}

// What a device asks for decides, and most ask for what fits 1500 bytes. An interface that carries less, as a
// tunnel does, makes fragments of those too, which firewalls drop.
Result judge_mtu(const std::vector<Interface>& interfaces, std::uint16_t max_block_size) {
  Result result;
  std::uint32_t least = 0;
  for (const auto& interface : interfaces) {
    if (!interface.mtu) continue;
    least = least == 0 ? *interface.mtu : std::min(least, *interface.mtu);
    if (*interface.mtu >= usual_mtu || *interface.mtu <= headers ||
        max_block_size + headers <= *interface.mtu)
      continue;
    result.look(fmt::format("{} carries packets of {} bytes, and blocks of TFTP may have {}: they would be "
                            "sent in fragments, which a firewall may drop",
                            escaped(interface.name), *interface.mtu, max_block_size),
                fmt::format("tftp.max_block_size: {}", *interface.mtu - headers));
  }
  if (least == 0) return std::move(result).or_ok("no interface but the loopback");
  return std::move(result).or_ok(
      max_block_size + headers <= least
          ? fmt::format("each block fits into a packet of {} bytes", least)
          : fmt::format("blocks above {} bytes, where a device asks for them, are sent in fragments",
                        least - std::min(least, headers)));
}

Result judge_address(const std::vector<Interface>& interfaces, const std::vector<conf::Endpoint>& gone) {
  Result result;
  for (const auto& endpoint : gone)
    result.fails(
        fmt::format("no interface of this host has the address {} of the configuration", endpoint.text()),
        "ip address");
  std::vector<std::string> addresses;
  for (const auto& interface : interfaces)
    for (const auto& address : interface.addresses)
      if (!is_link_local(address)) addresses.push_back(address.to_string());
  if (addresses.empty())
    result.fails("this host has no address but loopback and link-local ones: no device reaches it",
                 "ip address");
  return std::move(result).or_ok(fmt::format("{}", fmt::join(addresses, ", ")));
}

const Check reverse_path_check{"reverse-path", "reverse path", nullptr, run_reverse_path};
const Check mtu_check{"mtu", "MTU", nullptr, run_mtu};
const Check address_check{"address", "address", look, run_address};

}  // namespace server::doctor
