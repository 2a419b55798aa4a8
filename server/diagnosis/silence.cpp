#include "server/diagnosis/silence.hpp"

#include <fmt/format.h>

#include "server/text/escape.hpp"

namespace server {
namespace {

using Stage = SeenRequest::Stage;

constexpr auto other_ports = "tftp.single_port: true, or tftp.port_range and a rule of the firewall for it";

std::string_view port_of(event::Protocol protocol) {
  if (protocol == event::Protocol::tftp) return "UDP 69";
  return protocol == event::Protocol::http ? "TCP 80 or 443" : "TCP 22";
}

// A pasted log, or one of another time.
SilenceText unseen(const Silence& silence) {
  return {
      fmt::format("nothing came back from {}: a firewall between the controller and the server, or the "
                  "server does not run",
                  silence.host),
      silence.protocol == event::Protocol::tftp
          ? fmt::format("`apdepot status` tells whether it runs. Where its log has the RRQ, a firewall stops "
                        "its answer: {}; where it has none, one stops UDP 69",
                        other_ports)
          : fmt::format("`apdepot status` tells whether it runs. Where its log has no connection, a firewall "
                        "stops {}",
                        port_of(silence.protocol))};
}

SilenceText never_arrived(const Silence& silence) {
  return {
      fmt::format("no request of {} has arrived here: a firewall stops {} on the way, or a route is missing",
                  silence.speaker, port_of(silence.protocol)),
      fmt::format("`apdepot probe {}` from its network shows where", silence.url)};
}

SilenceText arrived(const SeenRequest& seen, const std::string& who) {
  switch (seen.stage) {
    case Stage::knocked:
      return {fmt::format("{} connected, and asked for nothing", who),
              "the lines of its connection in this log say how far its login came"};
    case Stage::refused:
      return {fmt::format("{} was heard, and not let in", who),
              "the line of that refusal in this log names the key, or the login's fault"};
    case Stage::missed:
      return {fmt::format("{} was heard, and asked for {}, which is not here", who, escaped(seen.asked)),
              "the line `miss` of that request in this log says what it should ask for"};
    case Stage::asked:
      return {fmt::format("its request arrived from {}, and what was sent back did not reach it: a firewall "
                          "stops the answer",
                          escaped(seen.client)),
              other_ports};
    case Stage::began:
      return {fmt::format("its transfer to {} began, and is under way or stands still", escaped(seen.client)),
              "`apdepot status --watch` shows it; fragments are lost on a path with a small MTU: "
              "tftp.max_block_size: 1428"};
    case Stage::broke_off:
      return {fmt::format("its transfer to {} began, and broke off", escaped(seen.client)),
              "the line of that transfer in this log says where it stopped; a firewall may forget it, or "
              "fragments be lost: tftp.max_block_size: 1428"};
    case Stage::fetched:
      break;
  }
  return {fmt::format("{} has got {} whole from here meanwhile", escaped(seen.client), escaped(seen.asked)),
          "start the download again"};
}

}  // namespace

SilenceText silence_text(const Silence& silence) {
  if (!silence.seen) return unseen(silence);
  if (silence.seen->of_device) return arrived(*silence.seen->of_device, silence.speaker);
  if (silence.seen->of_file) return arrived(*silence.seen->of_file, escaped(silence.seen->of_file->client));
  return never_arrived(silence);
}

}  // namespace server
