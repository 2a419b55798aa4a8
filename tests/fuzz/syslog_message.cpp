// A datagram of any bytes: what is read of it lies within it, and the line that it holds is read as a log.
#include "protocols/syslog/message.hpp"

#include <algorithm>
#include <string>

#include "server/text/controller_log.hpp"
#include "tests/fuzz/require.hpp"

using fuzz::require;

namespace {

bool lies_in(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_log(std::string_view text) {
  for (const auto& said : server::read_controller_log(text)) {
    require(said.url.size() <= text.size() && said.image.size() <= text.size(),
            "a part is a part of the text");
    const auto url = server::take_apart(said.url);
    require(url.path.empty() || url.path.front() == '/', "a path begins with a slash");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string datagram(reinterpret_cast<const char*>(data), size);
  const auto message = syslog::parse(datagram);
  require(message.severity < 8 && message.facility < 24, "a priority has its bounds");
  require(lies_in(message.host, datagram) && lies_in(message.text, datagram), "texts lie in the datagram");
  require(message.text.size() <= syslog::longest_message, "a text has its bound");
  require(std::ranges::none_of(message.host, [](char c) { return static_cast<unsigned char>(c) <= ' '; }),
          "a host's name can be printed");
  check_log(message.text);
  return 0;
}
