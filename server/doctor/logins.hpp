#pragma once
#include <string>
#include <vector>

#include "conf/user.hpp"
#include "server/doctor/result.hpp"

namespace server::doctor {

// The users of SFTP and SCP.
struct LoginsReading {
  std::vector<conf::User> users;      // of the users file and the configuration
  std::vector<std::string> mistakes;  // in the users file. Raw
  std::vector<std::string> rootless;  // users whose root is not a folder of images/
};
// Pure.
Result judge_logins(const LoginsReading& reading);

}  // namespace server::doctor
