#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace server {

// What controllers (Cisco EWC, 9800) and their access points log about images, read out of what somebody
// pasted: the lines of `show logging`, of a terminal or of a forum, wrapped and with other lines between
// them. Pure. All texts in a message are those of the log, and as hostile as it.
struct ControllerMessage {
  enum class Kind {
    failed,     // the controller could not fetch `url`: `reason`
    completed,  // it has it
    device_failed,
    device_succeeded,  // "AP Image Download Success"
    device_asked,      // an access point wants `image` from its controller, which is `peer`
    cannot_start,      // and did not get it
    no_space,
    signature_good,
    signature_bad,
  };
  Kind kind;
  std::string when;  // as it was logged; may be empty
  std::string url{};
  std::string reason{};
  std::string image{}, peer{};
};

std::vector<ControllerMessage> read_controller_log(std::string_view text);

// "tftp://172.16.5.199/EWC/17_9_4a/ap1g8", "sftp://*****@172.16.5.62/Documents/ap3g3": taken apart. Empty
// members for what is not there.
struct ImageUrl {
  std::string scheme, host, path;
};
ImageUrl take_apart(const std::string& url);

}  // namespace server
