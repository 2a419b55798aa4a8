#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "server/log/fields.hpp"

namespace server {

// syslog's numbers.
enum class Severity : std::uint8_t {
  error = 3,
  warning = 4,
  notice = 5,
  info = 6,
  debug = 7
};  // as syslog counts

// "in.tftpd[7]: TEXT" taken apart; a line without such a beginning is all text, and apdepot's.
struct TaggedLine {
  std::string_view tag, number, text;  // no number: empty
};
TaggedLine tagged_line(std::string_view line);

// A datagram of the journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): the line under its tag,
// with the fields. Pure; any thread.
std::string journal_record(Severity severity, std::string_view line, std::span<const LogField> fields);

// A datagram for /dev/log (RFC 3164): "<PRIORITY>Nov 28 12:44:11 TAG[N]: TEXT" in the host's time. sshd and
// sftp-server belong to the facility auth, as OpenSSH has it, and all else to daemon.
std::string syslog_record(Severity severity, std::string_view line, std::int64_t milliseconds);

}  // namespace server
