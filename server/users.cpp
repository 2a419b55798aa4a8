#include "server/users.hpp"

#include <algorithm>

#include "conf/users.hpp"

namespace server {
namespace {

constexpr auto users_name = "users.yaml";

}  // namespace

std::filesystem::path users_file(const conf::Settings& settings, const storage::Depot& depot) {
  return settings.ssh.users_file.value_or(depot.state() / users_name);
}

std::filesystem::path users_file(const conf::Settings& settings) {
  return settings.ssh.users_file.value_or(storage::Depot::state_of(settings.depot) / users_name);
}

// The file is read even for whoever stands in the configuration, or the time would tell who does not.
UserLookup find_user(const conf::Settings& settings, const storage::Depot& depot, const std::string& name) {
  UserLookup lookup;
  const auto pick = [&](const std::vector<conf::User>& users) {
    const auto found = std::ranges::find(users, name, &conf::User::name);
    if (found != users.end()) lookup.user = *found;
  };
  auto [users, mistakes] = conf::load_usable_users(users_file(settings, depot));
  pick(users);
  pick(settings.ssh.users);
  if (!lookup.user) lookup.mistakes = std::move(mistakes);
  return lookup;
}

}  // namespace server
