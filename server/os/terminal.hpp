#pragma once
#include <optional>
#include <string>

namespace server {

// Somebody can be asked.
bool has_terminal();
// Asks there without showing what is typed. Nothing when no answer is given (Ctrl-C, Ctrl-D).
std::optional<std::string> ask_secret(const std::string& prompt);

// Whether somebody watches what is written to stderr.
bool stderr_is_terminal();

}  // namespace server
