#pragma once
#include <string_view>

#include "server/events/ssh.hpp"
#include "server/events/syslog.hpp"
#include "server/events/tftp.hpp"

namespace server {

// The key below `tftp` that sets a limit: "max_transfers".
std::string_view limit_name(event::Limit limit);
// The key below `ssh`, or "penalty".
std::string_view limit_name(event::SshLimit limit);
// The key below `syslog`.
std::string_view limit_name(event::SyslogLimit limit);

}  // namespace server
