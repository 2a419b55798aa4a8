#include "server/text/controller_log.hpp"

#include <algorithm>

#include "storage/images/vendors.hpp"

namespace server {
namespace {

using storage::LogMessage;
using storage::LogRecord;

constexpr std::size_t most_of_record = 20;  // lines; what follows is something else

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// The length of "20:29:14.108" or "20:29:14" at the beginning; 0: something else.
std::size_t clock_at(std::string_view text) {
  constexpr std::string_view form = "00:00:00";
  if (text.size() < form.size()) return 0;
  for (std::size_t i = 0; i < form.size(); ++i)
    if (form[i] == '0' ? !is_digit(text[i]) : text[i] != form[i]) return 0;
  auto length = form.size();
  if (length < text.size() && text[length] == '.') do
      ++length;
    while (length < text.size() && is_digit(text[length]));
  return length;
}

// "*Feb 1 20:29:14.108", "[*01/30/2024 21:41:35.1120]", "Feb  1 20:29:14": what a message begins with. Empty:
// it goes on with the message before.
std::string_view stamp_of(std::string_view line) {
  constexpr std::size_t most = 40;
  for (std::size_t i = 0; i < std::min(line.size(), most); ++i) {
    if (i > 0 && line[i - 1] != ' ') continue;
    const auto length = clock_at(line.substr(i));
    if (length == 0) continue;
    auto begin = line.substr(0, i + length);
    const auto first = begin.find_first_of("*[");
    if (first != begin.npos) begin.remove_prefix(begin.find_first_not_of("*[", first));
    return begin;
  }
  return {};
}

std::vector<LogRecord> records(std::string_view text) {
  std::vector<LogRecord> all;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with("```") || line == "<#root>") continue;
    const auto stamp = stamp_of(line);
    if (!stamp.empty() || all.empty() || all.back().lines.size() == most_of_record)
      all.push_back({std::string(stamp), {}});
    all.back().lines.emplace_back(line);
  }
  return all;
}

}  // namespace

std::vector<LogMessage> read_controller_log(std::string_view text) {
  std::vector<LogMessage> all;
  for (const auto& record : records(text)) {
    for (const auto* vendor : storage::vendors()) {
      auto message = vendor->read_log(record);
      if (!message) continue;
      message->when = record.when;
      all.push_back(std::move(*message));
      break;
    }
  }
  return all;
}

ImageUrl take_apart(const std::string& url) {
  const auto colon = url.find("://");
  if (colon == url.npos) return {};
  auto rest = url.substr(colon + 3);
  const auto slash = std::min(rest.find('/'), rest.size());
  auto host = rest.substr(0, slash);
  host.erase(0, host.rfind('@') == host.npos ? 0 : host.rfind('@') + 1);
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') - 1);
  } else if (std::ranges::count(host, ':') == 1) {
    host.resize(host.find(':'));
  }
  return {url.substr(0, colon), host, rest.substr(slash)};
}

}  // namespace server
