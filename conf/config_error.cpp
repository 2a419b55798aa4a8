#include "conf/config_error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace conf {

ConfigError::ConfigError(std::vector<std::string> mistakes)
    : std::runtime_error(fmt::format("{}", fmt::join(mistakes, "\n"))), mistakes_(std::move(mistakes)) {}

std::vector<std::string> mistakes_of(const std::exception& error) {
  if (const auto* config = dynamic_cast<const ConfigError*>(&error)) return config->mistakes();
  return {error.what()};
}

}  // namespace conf
