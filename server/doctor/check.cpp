#include "server/doctor/check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <exception>
#include <vector>

#include "conf/nearest.hpp"
#include "server/text/escape.hpp"

namespace server::doctor {

std::span<const Check* const> checks() {
  static constexpr std::array all{
      &configuration_check, &rights_check,       &disk_check,        &file_system_check, &tftp_port_check,
      &ssh_port_check,      &http_port_check,    &port_rights_check, &running_check,     &firewall_check,
      &reply_ports_check,   &reverse_path_check, &mtu_check,         &address_check,     &keys_check,
      &logins_check,        &page_check,         &algorithms_check,  &releases_check,    &families_check,
      &drop_check,          &misses_check,       &never_seen_check,  &history_check,     &clock_check,
      &libraries_check,     &limits_check,       &service_check};
  return all;
}

const Check* find_check(std::string_view name) {
  const auto all = checks();
  const auto found = std::ranges::find_if(
      all, [name](const Check* check) { return check->id == name || check->title == name; });
  return found == all.end() ? nullptr : *found;
}

std::string near_ids(const std::string& name) {
  std::vector<std::string> ids;
  for (const auto* check : checks()) ids.emplace_back(check->id);
  const auto near = conf::nearest(name, ids);
  return near.empty() ? fmt::format("the checks are {}", fmt::join(ids, ", "))
                      : fmt::format("did you mean {}?", near);
}

void take_look(const Check& check, Sight& sight) {
  if (check.look == nullptr || !sight.mistakes.empty()) return;
  try {
    check.look(sight);
  } catch (const std::exception&) {
    return;  // the reading is missing then, and the check says so
  }
}

Result result_of(const Check& check, const Sight& sight) {
  if (&check != &configuration_check && !sight.mistakes.empty())
    return not_seen("the configuration has mistakes: fix those first");
  if (check.of_depot && !sight.depot) return not_seen(sight.no_depot);
  try {
    return check.run(sight);
  } catch (const std::exception& e) {
    return not_seen(escaped(e.what(), most_of_ours));
  }
}

}  // namespace server::doctor
