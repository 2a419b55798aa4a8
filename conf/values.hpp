#pragma once
#include <string>
#include <vector>

#include "conf/keys.hpp"

namespace conf {

// A key of a configuration, "tftp.max_window", with its value as a text that tells whether two are the same.
struct KeyValue {
  std::string key, value;
  Takes takes;
};

// All of them in the order of the rows, but the users.
std::vector<KeyValue> values_of(const Settings& settings);

}  // namespace conf
