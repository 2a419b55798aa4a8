#include "server/api/fleet.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "server/loop/net.hpp"
#include "server/loop/networks.hpp"
#include "storage/images/version.hpp"

namespace server {
namespace {

namespace record = storage::record;

constexpr std::array<std::pair<DeviceKind, std::string_view>, 4> kinds{
    {{DeviceKind::unknown, "unknown"},
     {DeviceKind::access_point, "access point"},
     {DeviceKind::controller, "controller"},
     {DeviceKind::shared_address, "shared address"}}};

constexpr std::string_view controllers_image = "C9800-AP-iosxe-wlc.bin";

bool has_address(const std::string& address, const std::vector<conf::Network>& networks) {
  error_code error;
  const auto parsed = net::ip::make_address(address, error);
  return !error && is_in(plain(parsed), networks);
}

bool is_one_address(const conf::Network& network) {
  constexpr unsigned bits_v4 = 32, bits_v6 = 128;
  return network.prefix == (network.first.is_v4 ? bits_v4 : bits_v6);
}

}  // namespace

std::string folder_of(const std::string& file) {
  const auto slash = file.rfind('/');
  return slash == file.npos ? "" : file.substr(0, slash);
}
std::string name_of(const std::string& file) { return file.substr(file.rfind('/') + 1); }

std::string_view word(DeviceKind kind) {
  return std::ranges::find(kinds, kind, &decltype(kinds)::value_type::first)->second;
}

std::optional<DeviceKind> device_kind(std::string_view word) {
  const auto* const found = std::ranges::find(kinds, word, &decltype(kinds)::value_type::second);
  return found == kinds.end() ? std::nullopt : std::optional(found->first);
}

DeviceKind kind_of(const Device& device) {
  if (device.said)
    if (const auto said = device_kind(device.said->kind); said && *said != DeviceKind::unknown) return *said;
  std::set<std::string> families;
  bool controller = false;
  for (const auto& held : device.holdings) {
    auto name = name_of(held.file);
    controller |= name == controllers_image;
    if (storage::is_image_family(name)) families.insert(std::move(name));
  }
  if (controller || (families.size() > 1 && device.is_listed())) return DeviceKind::controller;
  if (families.size() > 1) return DeviceKind::shared_address;
  return families.size() == 1 || device.is_listed() ? DeviceKind::access_point : DeviceKind::unknown;
}

std::vector<Device> fleet_of(const std::vector<record::Seen>& seen,
                             const std::vector<record::Described>& said,
                             const std::vector<record::Holding>& holdings,
                             const std::vector<conf::Network>& expected) {
  std::map<std::string, Device> devices;  // by address, or a table's key
  for (const auto& each : seen) {
    auto& device = devices[each.address];
    device.address = each.address;
    device.first_at = each.first_at, device.last_at = each.last_at;
  }
  for (const auto& each : said) {
    auto& device = devices[each.key];
    device.address = each.address;
    device.said = each;
  }
  for (const auto& network : expected)
    if (is_one_address(network)) devices[network.text()].address = network.text();
  for (const auto& held : holdings)
    if (const auto place = devices.find(held.client); place != devices.end())
      place->second.holdings.push_back(held);
  std::vector<Device> fleet;
  fleet.reserve(devices.size());
  for (auto& [key, device] : devices) {
    device.in_settings = !expected.empty() && has_address(device.address, expected);
    fleet.push_back(std::move(device));
  }
  return fleet;
}

std::vector<record::Described> with_fresh(std::vector<record::Described> said,
                                          const std::vector<record::Described>& fresh) {
  std::map<std::string, record::Described> all;
  for (auto& each : said) all[each.key] = std::move(each);
  for (const auto& each : fresh) {
    all.erase(each.replaces);
    all[each.key] = each;
  }
  said.clear();
  for (auto& [key, each] : all) said.push_back(std::move(each));
  return said;
}

std::vector<Device> read_fleet(storage::HistoryQueries& history, const std::vector<record::Described>& fresh,
                               const std::vector<conf::Network>& expected) {
  return fleet_of(history.seen({}, most_devices_read), with_fresh(history.described(), fresh),
                  history.holdings({.limit = most_holdings_read}), expected);
}

}  // namespace server
