#pragma once
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "conf/settings.hpp"

namespace conf {

// Every mistake in a configuration: "apdepot.yaml:12: tftp.max_window: 70000 is out of range 1 to 65535".
// what() has a line for each.
class ConfigError : public std::runtime_error {
 public:
  explicit ConfigError(std::vector<std::string> mistakes);
  explicit ConfigError(std::string mistake) : ConfigError(std::vector{std::move(mistake)}) {}
  const std::vector<std::string>& mistakes() const { return mistakes_; }

 private:
  std::vector<std::string> mistakes_;
};

// The same of any error: where it is no ConfigError it is one mistake.
std::vector<std::string> mistakes_of(const std::exception& error);

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
