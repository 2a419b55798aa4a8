#pragma once
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/host.hpp"

namespace test {

// A variable of the environment that has another value, or none, for as long as this lives.
class EnvironmentVariable {
 public:
  EnvironmentVariable(std::string name, const std::optional<std::string>& value) : name_(std::move(name)) {
    if (const char* const before = std::getenv(name_.c_str())) before_ = before;
    set(value);
  }
  // Null: it is not set.
  EnvironmentVariable(std::string name, const char* value)
      : EnvironmentVariable(std::move(name), value ? std::optional<std::string>(value) : std::nullopt) {}
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;
  ~EnvironmentVariable() { set(before_); }

 private:
  void set(const std::optional<std::string>& value) const { set_variable(name_, value); }

  std::string name_;
  std::optional<std::string> before_;
};

}  // namespace test
