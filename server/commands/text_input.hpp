#pragma once
#include <string>

namespace server {

// Throws std::runtime_error for a folder, which would read like an empty file.
void expect_no_folder(const std::string& name);

// What an administrator gives a command to read: a file, or with "-" the standard input. Throws
// std::runtime_error, with what to do, for one that cannot be read or has more than 64 MiB.
std::string read_text(const std::string& name);

}  // namespace server
