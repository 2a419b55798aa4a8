#pragma once
#include <optional>
#include <string>
#include <vector>

#include "storage/files/path.hpp"

namespace storage {
class Depot;
}  // namespace storage

namespace conf {
struct Settings;
}  // namespace conf

namespace server {

// What to type on a controller for a release, or on its access points.
struct ControllerLines {
  std::string mode;     // "tftp", "sftp" or "http"
  std::string address;  // this server's, "<address>" where it has none
  std::string path, user, lines;
  std::vector<std::string> others;  // further addresses of this host, where nobody chose one
};

// `wanted` is a release's path or any spelling of one, or `current` of a promoted one. Throws
// std::runtime_error for what is not here. Waits for the disk.
ControllerLines controller_lines(const conf::Settings& settings, const storage::Depot& depot,
                                 const std::string& wanted, const std::string& mode,
                                 const std::optional<std::string>& address);
std::string to_json(const ControllerLines& lines);

}  // namespace server
