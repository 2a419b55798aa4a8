#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conf/settings.hpp"
#include "storage/depot.hpp"

namespace server {

std::filesystem::path users_file(const conf::Settings& settings, const storage::Depot& depot);
// In the depot that the settings name, which need not be there yet.
std::filesystem::path users_file(const conf::Settings& settings);

struct UserLookup {
  std::optional<conf::User> user;
  std::vector<std::string> mistakes;  // in the users file, when they may be why there is no such user
};

// Reads the users file anew each time, so that `apdepot user` takes effect at once. Blocks: for a worker.
UserLookup find_user(const conf::Settings& settings, const storage::Depot& depot, const std::string& name);

}  // namespace server
