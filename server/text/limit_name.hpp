#pragma once
#include <cstdint>
#include <string_view>

namespace server {

namespace event {
enum class Limit;
enum class SshLimit;
enum class SyslogLimit : std::uint8_t;
}  // namespace event

// The key below `tftp` that sets a limit: "max_transfers".
std::string_view limit_name(event::Limit limit);
// The key below `ssh`, or "penalty".
std::string_view limit_name(event::SshLimit limit);
// The key below `syslog`.
std::string_view limit_name(event::SyslogLimit limit);

}  // namespace server
