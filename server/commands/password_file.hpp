#pragma once
#include <string>

#include "server/accounts/password.hpp"

namespace server {

// Without the mark that Windows' editors put at a file's beginning. Throws for their UTF-16.
void take_off_mark(std::string& line, const std::string& file);

// The first line of the file that --password-file names, or of standard input for "-". Throws
// std::runtime_error where it cannot be read.
Secret password_from_file(const std::string& name);

}  // namespace server
