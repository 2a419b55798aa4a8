#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "storage/images/device_log.hpp"

namespace server {

// The messages about images in what somebody pasted, or a device sent: the lines of `show logging`, of a
// terminal or of a forum, wrapped and with other lines between them. The vendors' rows know their words.
// Pure.
std::vector<storage::LogMessage> read_controller_log(std::string_view text);

// "tftp://172.16.5.199/EWC/17_9_4a/ap1g8", "sftp://*****@172.16.5.62/Documents/ap3g3": taken apart. Empty
// members for what is not there.
struct ImageUrl {
  std::string scheme, host, path;
};
ImageUrl take_apart(const std::string& url);

}  // namespace server
