#pragma once
#include <optional>
#include <string>

namespace server {

// Somebody can be asked.
bool has_terminal();
// Asks there without showing what is typed. Nothing when no answer is given (Ctrl-C, Ctrl-D).
std::optional<std::string> ask_secret(const std::string& prompt);

// Whether somebody watches what is written to stderr, or to stdout.
bool stderr_is_terminal();
bool stdout_is_terminal();
// Whether it obeys escape sequences, such as those for colours.
bool stdout_takes_escapes();
// Whether it shows UTF-8.
bool speaks_utf8();

// Columns and rows of the terminal that stdout is; 80 by 24 where it does not say.
struct TerminalSize {
  unsigned columns = 80, rows = 24;
};
TerminalSize terminal_size();

}  // namespace server
