#pragma once
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "conf/authorized_key.hpp"
#include "conf/user.hpp"
#include "server/os/file_stamp.hpp"

namespace storage {
class Depot;
}  // namespace storage

namespace conf {
struct Settings;
}  // namespace conf

namespace server {

std::filesystem::path users_file(const conf::Settings& settings, const storage::Depot& depot);
// In the depot that the settings name, which need not be there yet.
std::filesystem::path users_file(const conf::Settings& settings);

// A user, ready to be compared with whoever knocks.
struct KnownUser {
  struct Key {
    conf::AuthorizedKey line;
    std::string base64;  // as libssh writes this key, so that equal keys are equal texts
  };
  conf::User user;
  std::vector<Key> keys;  // without those that libssh does not understand
};

// What the users file and the configuration say about one name.
struct UserLookup {
  std::shared_ptr<const KnownUser> user;  // nobody: there is no such user
  std::string similar;                    // then one that is called so but for case, and blanks around it
  std::vector<std::string> mistakes;      // in the users file, when they may be why
};

// Finds users by name, in the users file and in the configuration. What the file holds is kept until its stat
// says that it has changed, so `apdepot user` takes effect at once, and a storm of logins reads nothing. On
// any thread, several at a time. Blocks: for a worker.
class Users {
 public:
  explicit Users(const storage::Depot& depot) : depot_(depot) {}

  UserLookup find(const std::shared_ptr<const conf::Settings>& settings, const std::string& name);
  // Whether somebody may change things on the page.
  bool has_web_admin(const std::shared_ptr<const conf::Settings>& settings);

 private:
  using Known = std::vector<std::shared_ptr<const KnownUser>>;
  struct OfFile {
    std::filesystem::path file;
    std::optional<FileStamp> stamp;
    Known users;
    std::vector<std::string> mistakes;
  };
  struct OfSettings {
    std::shared_ptr<const conf::Settings> settings;
    Known users;
  };

  std::shared_ptr<const OfFile> of_file(const conf::Settings& settings);
  std::shared_ptr<const OfSettings> of_settings(const std::shared_ptr<const conf::Settings>& settings);

  const storage::Depot& depot_;
  std::mutex mutex_;  // for the two pointers
  std::shared_ptr<const OfFile> of_file_;
  std::shared_ptr<const OfSettings> of_settings_;
};

}  // namespace server
