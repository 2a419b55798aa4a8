// SCP's command line of any bytes, and its patterns.
#include "protocols/scp/command.hpp"

#include <cstdint>
#include <string>

#include "protocols/scp/pattern.hpp"
#include "tests/fuzz/require.hpp"

using namespace scp;
using fuzz::require;

namespace {

std::string quoted(std::string_view text) {
  std::string all = "'";
  for (const char c : text) {
    if (c == '\'') {
      all += R"('"'"')";
    } else {
      all += c;
    }
  }
  return all + '\'';
}

std::string without_backslashes(std::string_view pattern) {
  std::string text;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') require(++i < pattern.size(), "a backslash in a pattern stands before something");
    text += pattern[i];
  }
  return text;
}

void check_name(const Name& name) {
  require(!name.text.empty(), "a name is not empty");
  require(name.text.find('\0') == std::string::npos, "a name holds no NUL");
  if (name.pattern.empty()) return;
  require(name.pattern.find_first_of("*?[") != std::string::npos, "a pattern has something to match");
  require(without_backslashes(name.pattern) == name.text, "a pattern is its name");
  const Pattern pattern(name.pattern);
  (void)pattern.matches(name.text);
  (void)pattern.matches(std::string(255, name.text[0]));
}

// Spelled as a careful client does, it is the same command.
void check_quoted(const Command& command) {
  std::string text = command.sends ? "scp -f" : "scp -t";
  if (command.preserves_times) text += " -p";
  if (command.recursive) text += " -r";
  if (command.into_directory) text += " -d";
  text += " --";
  for (const auto& name : command.names) text += ' ' + quoted(name.text);
  const auto again = parse_command(text);
  if (!again && text.size() > 8192) return;
  require(again.has_value(), "what was understood can be quoted");
  require(again->sends == command.sends && again->preserves_times == command.preserves_times &&
              again->recursive == command.recursive && again->into_directory == command.into_directory,
          "quoting keeps the options");
  require(again->names.size() == command.names.size(), "quoting keeps the number of names");
  for (std::size_t i = 0; i < command.names.size(); ++i) {
    require(again->names[i] == Name{command.names[i].text, ""}, "a quoted name is no pattern, and the same");
  }
}

void check_pattern(std::string_view text) {
  const auto half = text.size() / 2;
  const auto pattern = text.substr(0, half), name = text.substr(half);
  (void)Pattern(pattern).matches(name);
  std::string literal;
  for (const char c : name) literal.append(1, '\\').append(1, c);
  require(name.size() > 255 || Pattern(literal).matches(name), "a name matches itself");
  if (!name.starts_with('.')) require(Pattern("*").matches(name), "a star matches all but a dot in front");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_pattern(text);
  const auto command = parse_command(text);
  if (!command) {
    require(!command.error().empty(), "a refusal has a reason");
    return 0;
  }
  require(!command->names.empty(), "there is a name");
  for (const auto& name : command->names) check_name(name);
  check_quoted(*command);
  return 0;
}
