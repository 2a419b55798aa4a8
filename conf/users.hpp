#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "conf/user.hpp"

namespace conf {

// Throws ConfigError for a file with secrets that others than its owner may read or write.
// `what` says which: "password hashes".
void refuse_open_file(const std::filesystem::path& file, std::string_view what);

// The users file: `users:` with the same entries as ssh.users in the configuration. No file means no users.
// Throws ConfigError; one that others than its owner may read is refused, for it holds password hashes.
std::vector<User> load_users(const std::filesystem::path& file);

// For whoever only reads it: a mistake is one user's and not everybody's.
struct UsableUsers {
  std::vector<User> users;            // without those that are wrong
  std::vector<std::string> mistakes;  // of what load_users() would throw
};
UsableUsers load_usable_users(const std::filesystem::path& file);

// Written beside and renamed, 0600, synced. Throws ConfigError, and leaves the file as it was, for users that
// load_users() would refuse.
void save_users(const std::vector<User>& users, const std::filesystem::path& file);

constexpr std::string_view user_root_text = "a folder of images/ that begins with \"/\" and holds no \"..\"";
bool is_user_root(std::string_view root);

// "ewc", "site-7.ops": what a name may be, so that it is safe in a log and a path.
bool is_user_name(std::string_view name);

}  // namespace conf
