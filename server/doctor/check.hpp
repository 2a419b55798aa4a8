#pragma once
#include <span>
#include <string>
#include <string_view>

#include "server/doctor/result.hpp"
#include "server/doctor/sight.hpp"

namespace server::doctor {

// One row of `apdepot doctor`. What a file of this room has are readings, and functions that judge them and
// nothing else.
struct Check {
  std::string_view id;     // what --only takes: "port-69"
  std::string_view title;  // "port 69"
  // Reads what root alone may read; before root becomes the user whom the service runs as. May be null.
  void (*look)(Sight& sight);
  // As the service's user, so that a depot hurts nobody but its owner.
  Result (*run)(const Sight& sight);
  bool of_depot = false;  // it needs a depot that can be entered
};

extern const Check configuration_check, rights_check, disk_check, file_system_check, tftp_port_check,
    ssh_port_check, http_port_check, port_rights_check, page_check, running_check, firewall_check,
    reply_ports_check, reverse_path_check, mtu_check, address_check, keys_check, logins_check, releases_check,
    drop_check, misses_check, clock_check, limits_check, service_check, history_check, algorithms_check,
    families_check, never_seen_check, libraries_check;

// All, in the order in which they are shown.
std::span<const Check* const> checks();
// The check of that id, or with that title; null where there is none.
const Check* find_check(std::string_view name);
// The ids that a typing mistake could have made into `name`, or all: for a message.
std::string near_ids(const std::string& name);

// `look` and `run` of the check. An error, and what a check needs and has not, become a result. All checks
// but the first need a configuration without mistakes.
void take_look(const Check& check, Sight& sight);
Result result_of(const Check& check, const Sight& sight);

}  // namespace server::doctor
