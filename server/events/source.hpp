#pragma once
#include <string>

namespace server {

// Whom lines of a log are counted for: `client`, an address without its port; of IPv6 its /64, for a host has
// 2^64 addresses to its name: "2001:db8:1:1::/64". All neighbours of a link share that of the link-local
// ones, so that these count by themselves. Pure; any thread.
std::string log_source(const std::string& client);

}  // namespace server
