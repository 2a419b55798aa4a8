#pragma once
#include <cstdint>
#include <string_view>

namespace syslog {

// What is read of one datagram; what follows is left out. RFC 5424 asks for 2048 bytes at least.
constexpr std::size_t longest_message = 2048;

// One line of a device's log, as it came over the network: RFC 3164, RFC 5424, and Cisco's own form with its
// sequence number. All texts are the sender's, and hostile; they point into the datagram, which outlives
// them.
struct Message {
  unsigned facility = 1, severity = 5;  // user, notice: what RFC 3164 takes a line without a priority for
  std::string_view host{};              // as the sender calls itself; empty: it does not say
  // The rest, from the program's name on in RFC 3164, and of Cisco's from its own time on: "*Feb 1
  // 20:52:13.977: %INSTALL-3-OPERATION_ERROR_MESSAGE: ...".
  std::string_view text{};
};

// Any bytes are a message, of which at most longest_message are read.
Message parse(std::string_view datagram);

}  // namespace syslog
