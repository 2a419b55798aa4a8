#pragma once
#include <string>
#include <vector>

#include "server/doctor/result.hpp"

namespace server::doctor {

// `file` is empty for the built-in defaults; mistakes and warnings are conf's sentences, each with file and
// line, and a mistake with what was meant. Raw. Pure.
Result judge_configuration(const std::string& file, const std::vector<std::string>& mistakes,
                           const std::vector<std::string>& warnings);

}  // namespace server::doctor
