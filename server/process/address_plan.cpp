#include "server/process/address_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "conf/endpoint.hpp"

namespace server {
namespace {

bool has(const std::vector<conf::Endpoint>& all, const conf::Endpoint& one) {
  return std::ranges::find(all, one) != all.end();
}

}  // namespace

AddressPlan plan_addresses(std::string_view key, std::string_view unit,
                           const std::vector<conf::Endpoint>& wanted,
                           const std::vector<conf::Endpoint>& handed_over,
                           const std::vector<conf::Endpoint>& running) {
  AddressPlan plan;
  std::vector<conf::Endpoint> ours;
  for (const auto& endpoint : wanted) {
    const auto part = std::ranges::find_if(handed_over, [&](const auto& given) {
      return conf::clash_of({given, endpoint}).has_value();
    });
    if (part == handed_over.end()) {
      ours.push_back(endpoint);
    } else if (!has(handed_over, endpoint)) {
      plan.notes.push_back(fmt::format("{} names {}, but {} has opened {}: that one is served", key,
                                       endpoint.text(), unit, part->text()));
    }
  }
  for (const auto& given : handed_over) {
    if (!has(wanted, given))
      plan.notes.push_back(fmt::format(
          "{0} has opened {1}, which {2} does not name: it is served all the same; `systemctl edit "
          "{0}` and then `systemctl stop {0} && systemctl restart apdepot` change the address, "
          "`systemctl disable --now {0} && systemctl restart apdepot` leave it to {2} (with "
          "own-ports.conf, where that has a port below 1024)",
          unit, given.text(), key));
  }
  for (const auto& endpoint : ours)
    if (!has(running, endpoint)) plan.open.push_back(endpoint);
  for (const auto& endpoint : running)
    if (!has(ours, endpoint)) plan.close.push_back(endpoint);
  return plan;
}

}  // namespace server
