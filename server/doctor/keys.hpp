#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "server/doctor/result.hpp"

namespace server::doctor {

// A host key's file in state/.
struct KeyFile {
  enum class Found : std::uint8_t { good, missing, open_to_others, unreadable, damaged };
  std::filesystem::path file;
  Found found = Found::missing;
  std::string text;  // "ssh-rsa SHA256:..." of a good one; what the system says of an unreadable one
};
// Never follows a link, and never changes anything.
KeyFile read_key_file(const std::filesystem::path& file);

// `running`: a server answers, which would have made what is missing. Pure.
Result judge_keys(const std::vector<KeyFile>& keys, bool running);

}  // namespace server::doctor
