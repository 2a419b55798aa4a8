#pragma once
#include <string>

namespace server {

// What to type on an EWC or 9800 so that it fetches from here.
std::string tftp_controller_lines(const std::string& address, const std::string& path);
std::string sftp_controller_lines(const std::string& address, const std::string& path,
                                  const std::string& user);

}  // namespace server
