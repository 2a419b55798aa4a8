#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Lines, words and patterns, for the readers of foreign files. Pure; any thread.
namespace conf::foreign {

// A line without the blanks around it; number 1 is the first.
struct Line {
  int number = 0;
  std::string_view text;
};
// All lines of `text` that are not empty, comments too. A carriage return before the end is a blank.
std::vector<Line> lines_of(std::string_view text);

std::string_view trimmed(std::string_view text);
std::string lower(std::string_view text);
// "KEY = VALUE" as its two sides, trimmed; nothing without a "=".
struct Assignment {
  std::string_view key, value;
};
std::optional<Assignment> assignment(std::string_view line);

// The words of a command line as a shell takes them apart: quotes, backslashes; nothing is expanded.
std::vector<std::string> shell_words(std::string_view text);
// One word, as a shell has to be given it.
std::string shell_word(std::string_view text);
// The parts between `separator`, trimmed, without empty ones.
std::vector<std::string> parts(std::string_view text, char separator);

// Whether a pattern with "*" and "?" fits the whole of `text`.
bool fits(std::string_view pattern, std::string_view text);

}  // namespace conf::foreign
