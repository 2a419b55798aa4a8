#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config_error.hpp"
#include "conf/settings.hpp"

namespace conf {

// A configuration that was read, and what the administrator should know about it.
struct Loaded {
  Settings settings;
  bool names_depot = false;           // the file has the key `depot`
  std::vector<std::string> warnings;  // keys that have no effect, secrets that others may read
};

// conf/apdepot.yaml, as it was when the program was built.
std::string_view example();

Loaded load_defaults();
// `text` on top of the defaults; `name` stands in messages. Throws ConfigError.
Loaded load_text(std::string_view text, const std::string& name);
Loaded load_file(const std::filesystem::path& file);

}  // namespace conf
