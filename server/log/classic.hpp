#pragma once
#include <string>
#include <vector>

#include "conf/log.hpp"
#include "server/log/writer.hpp"

namespace server {

class Event;

// One line of the classic log.
struct LogLine {
  conf::LogLevel level;  // the lowest at which it is shown
  Severity severity;
  std::string text;
};

// An event as the lines that administrators grep for: those of tftpd-hpa and of OpenSSH's sftp-server, to the
// letter, and ours beside them. `TAG[N]: TEXT`, each text one line whatever a client sent.
std::vector<LogLine> classic_lines(const Event& event);

// Of what came again and again, in one line.
constexpr std::size_t most_repeated = 8;

}  // namespace server
