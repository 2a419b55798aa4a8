#pragma once
#include <cstdint>
#include <string>

namespace storage {
struct Miss;
}
namespace tftp {
enum class ErrorCode : std::uint16_t;
}

namespace server {

namespace event {
enum class Protocol;
}

// What is said about a miss: the same words in the log, in `explain` and on the device's console.

// Escaped: what to do about it, with the controller's line that fixes it, if there is one: "ap1g6 is in
// /EWC/17_9_4a: tftp-image-path /EWC/17_9_4a". May be empty.
std::string fix_of(const storage::Miss& miss, event::Protocol protocol);
// Escaped: "/Wrong-Path does not exist; ap1g6 is in ...".
std::string text_of(const storage::Miss& miss, event::Protocol protocol);
// Raw: what a client is told, which is nobody's business but the images': no path of the host, no owner.
std::string client_text(const storage::Miss& miss);
// Raw: what fits on a device's console, in an ERROR packet. Of a text that is too long the end of what is
// wrong is left out, so that what to do about it is still there.
std::string console_text(tftp::ErrorCode code, const storage::Miss& miss, std::size_t most);

}  // namespace server
