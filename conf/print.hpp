#pragma once
#include <string>

namespace conf {

struct Settings;

// The configuration in force, with every key: in the form of the file itself, or as JSON. Password hashes are
// hidden.
std::string to_yaml(const Settings& settings);
// Only `depot` and what differs from the defaults, with password hashes, as a file of one's own has it.
std::string to_short_yaml(const Settings& settings);
std::string to_json(const Settings& settings);

}  // namespace conf
