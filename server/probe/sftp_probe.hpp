#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "server/accounts/password.hpp"
#include "server/probe/content.hpp"
#include "server/probe/report.hpp"
#include "server/probe/target.hpp"

namespace server::probe {

// How a probe logs in.
struct SftpManner {
  // "SHA256:...", which the server's host key must have. Empty: it is shown, and compared with known_hosts.
  std::string host_key;
  // Hears the host key before it gives the password.
  std::function<Secret(const std::string& fingerprint)> password;
  std::chrono::milliseconds patience = std::chrono::seconds(25);  // how long nothing may come
};

// Fetches a file over SFTP as a controller does, and finds out why it fails. The host key is never noted as
// known, and no password goes to a server that has another one than it should. `report` has its `url`.
// Blocks.
void probe_sftp(const Target& target, const SftpManner& manner, const std::optional<Recorded>& recorded,
                const Progress& progress, Report& report);

}  // namespace server::probe
