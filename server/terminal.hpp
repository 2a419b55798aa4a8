#pragma once
#include <optional>
#include <string>

namespace server {

// Asks at the terminal without showing what is typed. Nothing when there is no terminal, or no answer.
std::optional<std::string> ask_secret(const std::string& prompt);

// Whether somebody watches what is written to stderr.
bool stderr_is_terminal();

}  // namespace server
