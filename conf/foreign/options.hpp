#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace conf::foreign {

// An option of another program's command line, as getopt_long(3) takes it.
struct Option {
  std::string_view name;  // without dashes
  char letter = 0;        // 0: none
  enum class Value { none, needed, optional } value = Value::none;
};

// One that was given.
struct Given {
  const Option* option = nullptr;  // null: not known; `value` is the word
  std::string value;
};

// All that were given, in their order.
struct CommandLine {
  std::vector<Given> options;
  std::vector<std::string> words;  // the others, in their order
};

// Long options may be shortened as long as one fits; letters may stand together, with their value behind.
CommandLine parse_options(std::span<const std::string> words, std::span<const Option> known);

}  // namespace conf::foreign
