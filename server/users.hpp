#pragma once
#include <memory>
#include <optional>
#include <string>

#include "conf/settings.hpp"
#include "storage/depot.hpp"

namespace server {

std::filesystem::path users_file(const conf::Settings& settings, const storage::Depot& depot);

struct UserLookup {
  std::optional<conf::User> user;
  std::string problem;  // the users file is unreadable: nobody in it can log in until it is mended
};

// Reads the users file anew each time, so that `apdepot user` takes effect at once. Blocks: for a worker.
UserLookup find_user(const conf::Settings& settings, const storage::Depot& depot, const std::string& name);

}  // namespace server
