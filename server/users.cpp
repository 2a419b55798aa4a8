#include "server/users.hpp"

#include <algorithm>

#include "conf/users.hpp"

namespace server {

std::filesystem::path users_file(const conf::Settings& settings, const storage::Depot& depot) {
  return settings.ssh.users_file.value_or(depot.state() / "users.yaml");
}

// The file is read even for whoever stands in the configuration, or the time would tell who does not.
UserLookup find_user(const conf::Settings& settings, const storage::Depot& depot, const std::string& name) {
  UserLookup lookup;
  const auto pick = [&](const std::vector<conf::User>& users) {
    const auto found = std::ranges::find(users, name, &conf::User::name);
    if (found != users.end()) lookup.user = *found;
  };
  try {
    pick(conf::load_users(users_file(settings, depot)));
  } catch (const std::exception& e) {
    lookup.problem = e.what();
  }
  pick(settings.ssh.users);
  if (lookup.user) lookup.problem.clear();
  return lookup;
}

}  // namespace server
