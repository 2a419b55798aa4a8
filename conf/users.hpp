#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "conf/settings.hpp"

namespace conf {

// The users file: `users:` with the same entries as ssh.users in the configuration. No file means no users.
// Throws ConfigError; one that others than its owner may read is refused, for it holds password hashes.
std::vector<User> load_users(const std::filesystem::path& file);
// Written beside and renamed, 0600, synced.
void save_users(const std::vector<User>& users, const std::filesystem::path& file);

// "ewc", "site-7.ops": what a name may be, so that it is safe in a log and a path.
bool is_user_name(std::string_view name);

}  // namespace conf
