#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "conf/early_drop.hpp"
#include "conf/endpoint.hpp"
#include "conf/network.hpp"
#include "conf/user.hpp"

namespace conf {

// Which algorithms SSH offers: those of today, or old devices' as well.
enum class Compatibility { modern, legacy };

// The key `ssh`.
struct Ssh {
  std::vector<Endpoint> listen;
  Compatibility compatibility = Compatibility::modern;
  std::uint64_t max_upload = 0;                                      // bytes
  std::vector<std::string> kex, host_key_algorithms, ciphers, macs;  // empty: by compatibility
  std::optional<std::uint64_t> rekey_limit;  // bytes, after which keys are exchanged again
  std::chrono::seconds login_grace{0};
  EarlyDrop max_unauthenticated;  // connections that nobody has logged in on yet
  std::uint32_t max_unauthenticated_per_address = 0;
  std::uint32_t max_sessions = 0;  // connections, logged in or not
  std::uint32_t max_sessions_per_address = 0;
  std::vector<Network> trusted;                     // no cap counts there by address, and no penalty
  std::optional<std::filesystem::path> users_file;  // nothing: state/users.yaml in the depot
  std::vector<User> users;
};

}  // namespace conf
