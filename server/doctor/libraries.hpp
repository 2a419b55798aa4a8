#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "server/doctor/result.hpp"

namespace server::doctor {

// A library that this program runs with, and its version, as the library says it: "libssh", "0.10.6".
struct Library {
  std::string_view name;
  std::string version;
};
std::vector<Library> libraries();

// Only versions that no supported distribution ships: those correct faults without a new version, and what is
// patched must not be called bad. Pure.
Result judge_libraries(const std::vector<Library>& libraries);

}  // namespace server::doctor
