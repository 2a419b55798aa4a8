#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/doctor/firewall.hpp"
#include "server/doctor/misses.hpp"
#include "server/doctor/ports.hpp"
#include "server/doctor/running.hpp"
#include "server/doctor/service.hpp"
#include "storage/depot/depot.hpp"

namespace conf {
struct Settings;
}  // namespace conf

namespace server {
struct Account;
}

namespace server::doctor {

// All that the checks look at. A command fills it in; one thread.
struct Sight {
  // The configuration, and what is wrong with it.
  std::string config_file;  // empty for the built-in defaults
  std::vector<std::string> mistakes, warnings;
  std::shared_ptr<const conf::Settings> settings;

  bool quick = false;  // nothing that takes long
  bool root = false;   // root asks, though root has become `account` by now
  // Whom a server that root starts would run as; null where nobody can.
  std::shared_ptr<const Account> service;

  // Read with the rights of who asks, by the checks that need them.
  std::optional<Ports> ports;
  std::optional<FirewallReading> firewall;
  std::optional<Units> units;

  // Read as the service's user.
  std::optional<storage::Depot> depot;  // nothing where there is none, or it cannot be entered
  std::string no_depot;                 // then why
  ServerReading server;
  // Whether a name that somebody asked for in vain is served by now.
  std::function<bool(const RecentMiss& miss)> is_served;
};

}  // namespace server::doctor
