#pragma once
#include <string>
#include <vector>

namespace server {

// What to type on an EWC or 9800 so that it fetches from here.
std::string tftp_controller_lines(const std::string& address, const std::string& path);
std::string sftp_controller_lines(const std::string& address, const std::string& path,
                                  const std::string& user);

// What to type on an access point whose software takes HTTP: a line for each image of the release.
std::string http_access_point_lines(const std::string& address, const std::string& path,
                                    const std::vector<std::string>& images);

}  // namespace server
