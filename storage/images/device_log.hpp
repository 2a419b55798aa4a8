#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace storage {

// One message of a device's log, with what was wrapped onto further lines. Raw; a plain value.
struct LogRecord {
  std::string when;  // as the device wrote it; may be empty
  std::vector<std::string> lines;
  std::string joined() const;
};

// What such a record says about an image, in no vendor's words. All texts are those of the log, and as
// hostile as it.
struct LogMessage {
  enum class Kind : std::uint8_t {
    started,        // the device begins to fetch `url`
    failed,         // it could not fetch or install `url`: `reason`
    gave_up,        // it could not fetch what it had begun to fetch
    completed,      // it has `url`
    device_failed,  // an access point did not get its image, says its controller
    device_succeeded,
    device_asked,  // an access point wants `image` from its controller, which is `peer`
    cannot_start,  // and did not get it
    aborted,       // an access point ends its download of `image`: `reason`
    no_image,      // the controller has no `image` for an access point
    no_space,      // for an image: `reason`
    damaged,       // an image that came cannot be unpacked: `reason`
    signature_good,
    signature_bad,
    certificate_over,  // the certificate that an image is signed with is not valid any more
  };
  Kind kind;
  std::string when{};
  std::string url{};
  std::string reason{};
  std::string image{}, peer{};
  std::string advice{};  // the vendor's: what to do on the device, where its server can do nothing about it
};
std::string_view kind_name(LogMessage::Kind kind);  // "signature_bad"

using LogReader = std::optional<LogMessage> (*)(const LogRecord& record);

}  // namespace storage
