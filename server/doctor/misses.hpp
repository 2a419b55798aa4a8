#pragma once
#include <string>
#include <vector>

#include "server/doctor/result.hpp"

namespace server::doctor {

// A request for something that was not there, as a running server remembers it. The texts are escaped
// already, as the API has them.
struct RecentMiss {
  std::string at, client, protocol, asked, cause, text, fix;
};

// Of the JSON of /api/v1/recent, the latest first. Throws std::runtime_error for another program's.
std::vector<RecentMiss> recent_misses(const std::string& recent);

// Of `open`, what is not served to this day: each name once, with the latest that asked. Pure.
Result judge_misses(const std::vector<RecentMiss>& open);

}  // namespace server::doctor
