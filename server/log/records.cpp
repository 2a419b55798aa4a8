#include "server/log/records.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

namespace server {
namespace {

constexpr std::string_view own_tag = "apdepot";
constexpr int auth = 4, daemon = 3;  // syslog's facilities

bool is_tag(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '.' || c == '-'; });
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// A value with a line break has its length before it, 8 bytes with the lowest first.
void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  if (value.find('\n') == value.npos) {
    out += '=';
  } else {
    out += '\n';
    for (unsigned shift = 0; shift < 64; shift += 8)
      out += static_cast<char>(static_cast<std::uint64_t>(value.size()) >> shift & 0xffU);
  }
  out += value;
  out += '\n';
}

}  // namespace

TaggedLine tagged_line(std::string_view line) {
  const TaggedLine untagged{own_tag, {}, line};
  const auto colon = line.find(": ");
  if (colon == line.npos) return untagged;
  auto tag = line.substr(0, colon);
  std::string_view number;
  if (tag.ends_with(']')) {
    const auto bracket = tag.find('[');
    if (bracket == tag.npos) return untagged;
    number = tag.substr(bracket + 1, tag.size() - bracket - 2);
    tag = tag.substr(0, bracket);
    if (!is_number(number)) return untagged;
  }
  return is_tag(tag) ? TaggedLine{tag, number, line.substr(colon + 2)} : untagged;
}

std::string journal_record(Severity severity, std::string_view line, std::span<const LogField> fields) {
  const auto [tag, number, text] = tagged_line(line);
  std::string record;
  append_field(record, "MESSAGE", text);
  append_field(record, "PRIORITY", fmt::format("{}", static_cast<int>(severity)));
  append_field(record, "SYSLOG_IDENTIFIER", tag);
  if (!number.empty()) append_field(record, "SYSLOG_PID", number);  // what journalctl shows in brackets
  for (const auto& [name, value] : fields) append_field(record, name, value);
  return record;
}

std::string syslog_record(Severity severity, std::string_view line, std::int64_t milliseconds) {
  const auto [tag, number, text] = tagged_line(line);
  const int facility = tag == "sshd" || tag == "sftp-server" ? auth : daemon;
  return fmt::format("<{}>{:%b %e %H:%M:%S} {}{}: {}", facility * 8 + static_cast<int>(severity),
                     fmt::localtime(static_cast<std::time_t>(milliseconds / 1000)), tag,
                     number.empty() ? "" : fmt::format("[{}]", number), text);
}

}  // namespace server
