#pragma once
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace server {

// Wrong usage: exit status 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// An option that a command knows.
struct Flag {
  std::string_view name;   // "--depot"
  std::string_view value;  // "DIR"; empty for a flag without one
  std::string_view help;
};

// A command line, taken apart: flags anywhere, as `--name VALUE` or `--name=VALUE`; "--" ends them.
class Arguments {
 public:
  // `words` begin with the program's name. Throws UsageError for a flag that is not in `known`, or lacks its
  // value.
  Arguments(std::span<char* const> words, std::span<const Flag> known);

  const std::string& program() const { return program_; }
  bool has(std::string_view flag) const;
  std::optional<std::string> value(std::string_view flag) const;  // the last one given
  std::vector<std::string> values(std::string_view flag) const;
  const std::vector<std::string>& words() const { return words_; }  // what is no flag
  const std::vector<std::pair<std::string, std::string>>& flags() const { return flags_; }
  std::string take_word(std::string_view what);  // the first of words(), or UsageError "WHAT is missing"
  void expect_no_more() const;

 private:
  std::string program_;
  std::vector<std::string> words_;
  std::vector<std::pair<std::string, std::string>> flags_;
};

}  // namespace server
