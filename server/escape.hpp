#pragma once
#include <string>
#include <string_view>

namespace server {

// Text from a client or an archive, made safe for one line of a log: control characters, backslashes and what
// is not valid UTF-8 become \n, \\, \x1b. What is longer than any real path is cut and ends in "...", or one
// client could fill the disk with a few requests.
std::string escaped(std::string_view hostile);

}  // namespace server
