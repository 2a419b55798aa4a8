#include "server/text/controller_lines.hpp"

#include <fmt/format.h>

#include "server/text/escape.hpp"

namespace server {
namespace {
constexpr auto profile = "wireless profile image-download default\n";
}

std::string tftp_controller_lines(const std::string& address, const std::string& path) {
  return fmt::format(
      "{} image-download-mode tftp\n"
      "  tftp-image-server {}\n"
      "  tftp-image-path {}\n",
      profile, escaped(address, whole), escaped(path, whole));
}

std::string sftp_controller_lines(const std::string& address, const std::string& path,
                                  const std::string& user) {
  return fmt::format(
      "{} image-download-mode sftp\n"
      "  sftp-image-server {}\n"
      "  sftp-image-path {}\n"
      "  sftp-username {}\n"
      "  sftp-password 0 <password>\n",
      profile, escaped(address, whole), escaped(path, whole), escaped(user, whole));
}

std::string http_access_point_lines(const std::string& address, const std::string& path,
                                    const std::vector<std::string>& images) {
  const bool v6 = address.find(':') != address.npos;
  std::string lines;
  for (const auto& image : images)
    lines += fmt::format("archive download-sw /no-reload http://{}{}{}{}/{}\n", v6 ? "[" : "",
                         escaped(address, whole), v6 ? "]" : "", escaped(path, whole), escaped(image, whole));
  return lines;
}

}  // namespace server
