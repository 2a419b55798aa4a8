#pragma once
#include <optional>
#include <string>

#include "server/diagnosis/finding.hpp"
#include "server/events/transfer.hpp"

namespace server {

// A device says that nothing came back from this server. All texts but `seen` are escaped.
struct Silence {
  std::string speaker;  // the device
  std::string host;     // whom it asked
  std::string url;
  event::Protocol protocol;
  const std::optional<SeenHere>& seen;
};

// Where the packets were lost, as far as is known, and what to do about it. Pure.
struct SilenceText {
  std::string what, fix;
};
SilenceText silence_text(const Silence& silence);

}  // namespace server
