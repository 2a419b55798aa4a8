#pragma once
#include <cstdint>
#include <string>

#include "storage/images/device_log.hpp"

// What controllers and access points send of their own logs. Texts that came from them are raw: a listener
// escapes them.
namespace server::event {

// A line that is about an image, and what it means here.
struct ControllerSaid {
  std::string client;  // the address that sent it
  std::string host;    // as the sender calls itself; may be empty
  storage::LogMessage said;
  std::string finding, fix;  // escaped already: ours. The fix may be empty
  bool bad;                  // a failure
  std::uint64_t untold = 0;  // that often it came before, and was not told
};

// Which key below `syslog` a line ran into.
enum class SyslogLimit : std::uint8_t { not_allowed, lines_per_second, lines_per_second_in_all };

struct SyslogRefused {  // a line that nobody read
  std::string client;
  SyslogLimit limit;
  bool rare;             // to be told, or only counted
  std::uint64_t untold;  // refusals by that limit before this one
};

}  // namespace server::event
