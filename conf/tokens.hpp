#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "conf/user.hpp"

namespace conf {

// An entry of the tokens file. A program sends the token, and needs no password.
struct Token {
  std::string name;
  WebRole role = WebRole::viewer;
  std::string sha256;  // of the token, in hex
};

// The tokens file: `tokens:` with a name, a role and the SHA-256 of each. No file means no tokens. Throws
// ConfigError; one that others than its owner may write or read is refused.
std::vector<Token> load_tokens(const std::filesystem::path& file);

// Written beside and renamed, 0600, synced.
void save_tokens(const std::vector<Token>& tokens, const std::filesystem::path& file);

}  // namespace conf
