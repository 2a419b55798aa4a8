#pragma once
#include <string>

#include "server/probe/report.hpp"

namespace server::probe {

// What to think and do about a failed probe. Escaped.
struct Advice {
  std::string prints;  // what a controller prints; empty where no log that we know shows it
  std::string likely;  // the most likely reason
  std::string check;   // what to look at, with the command
};

// `cause` is the report's.
Advice advice_for(Cause cause, const Report& report);

}  // namespace server::probe
