#include "server/accounts/user_book.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "conf/users.hpp"
#include "storage/depot/staging.hpp"

namespace server {

UserBook::UserBook(conf::Settings settings, std::filesystem::path file)
    : settings_(std::move(settings)),
      file_(std::filesystem::absolute(file)),
      users_(conf::load_users(file_)) {}

void UserBook::expect_free(const std::string& name) const {
  if (!configured(name) && std::ranges::find(users_, name, &conf::User::name) == users_.end()) return;
  throw Refused(
      Refused::Why::taken,
      fmt::format("there is a user {} already: `apdepot user passwd {}` changes the password", name, name));
}

conf::User& UserBook::existing(const std::string& name) {
  const auto found = std::ranges::find(users_, name, &conf::User::name);
  if (found != users_.end()) return *found;
  if (configured(name))
    throw Refused(Refused::Why::configured,
                  fmt::format("{} is defined in the configuration: change it there", name));
  throw Refused(Refused::Why::missing, fmt::format("there is no user {}", name));
}

bool UserBook::configured(const std::string& name) const {
  return std::ranges::find(settings_.ssh.users, name, &conf::User::name) != settings_.ssh.users.end();
}

void UserBook::change(const std::function<void()>& act) {
  const storage::DirectoryLock lock(file_.parent_path());
  users_ = conf::load_users(file_);
  act();
  conf::save_users(users_, file_);
}

}  // namespace server
