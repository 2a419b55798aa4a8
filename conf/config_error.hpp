#pragma once
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

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

}  // namespace conf
