#include "protocols/syslog/message.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace syslog {
namespace {

constexpr unsigned severities = 8, facilities = 24;
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf", nil = "-";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

// Names and addresses of hosts: "9120-EWC", "fe80::1%eth0".
bool is_of_host(char c) {
  constexpr std::string_view others = ".:-_%";
  return is_digit(c) || is_letter(c) || others.find(c) != others.npos;
}

void skip_blanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
}

// What stands before the next blank; both are taken off.
std::string_view take_word(std::string_view& text) {
  const auto end = std::min(text.find(' '), text.size());
  const auto word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

// "<187>"
void take_priority(std::string_view& text, Message& message) {
  constexpr std::size_t most_digits = 3;
  if (!text.starts_with('<')) return;
  const auto end = text.find('>');
  if (end == text.npos || end < 2 || end > 1 + most_digits) return;
  unsigned priority = 0;
  for (const char c : text.substr(1, end - 1)) {
    if (!is_digit(c)) return;
    priority = priority * 10 + static_cast<unsigned>(c - '0');
  }
  if (priority >= facilities * severities) return;
  message.facility = priority / severities;
  message.severity = priority % severities;
  text.remove_prefix(end + 1);
}

// RFC 5424's "[id name="value"][id2]" or "-". False: it is none.
bool take_structured_data(std::string_view& text) {
  if (text.starts_with(nil)) {
    text.remove_prefix(nil.size());
    return true;
  }
  if (!text.starts_with('[')) return false;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == ']' && (i + 1 == text.size() || text[i + 1] != '[')) {
      text.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

// "1 2026-11-29T05:00:00.000Z ap-7 kernel 12 - [sd] text", without its priority.
bool is_version_1(std::string_view text, Message& message) {
  if (!text.starts_with("1 ")) return false;
  take_word(text);
  const auto time = take_word(text);
  if (time != nil && (time.empty() || !is_digit(time.front()))) return false;
  const auto host = take_word(text);
  constexpr int other_words = 3;  // the program, its process and the message's kind
  for (int i = 0; i < other_words; ++i)
    if (take_word(text).empty()) return false;
  if (!take_structured_data(text)) return false;
  skip_blanks(text);
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  if (host != nil && std::ranges::all_of(host, is_of_host)) message.host = host;
  message.text = text;
  return true;
}

// "Feb  1 20:52:13 ", RFC 3164's time: nothing where the text begins otherwise.
std::optional<std::string_view> after_time(std::string_view text) {
  constexpr std::string_view form = "Mmm dd hh:mm:ss ";
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() < form.size() || months.find(text.substr(0, 3)) % 3 != 0) return {};
  for (std::size_t i = 3; i < form.size(); ++i) {
    const char wanted = form[i], c = text[i];
    const bool fits = wanted == ' ' || wanted == ':' ? c == wanted : is_digit(c) || (i == 4 && c == ' ');
    if (!fits) return {};
  }
  return text.substr(form.size());
}

// After the time: a host's name, unless it is the program at once, as access points send it: "kernel: ...".
void take_host(std::string_view& text, Message& message) {
  const auto word = text.substr(0, std::min(text.find(' '), text.size()));
  if (word.empty() || word.size() == text.size() || word.ends_with(':') || word.ends_with(']')) return;
  if (!std::ranges::all_of(word, is_of_host)) return;
  message.host = word;
  take_word(text);
  skip_blanks(text);
}

// Cisco's "57: " and "000057: ", and after it, with `logging origin-id`, "9120-EWC: ".
void take_cisco_head(std::string_view& text, Message& message) {
  constexpr int most_numbers = 2;  // `service sequence-numbers` adds one
  for (int i = 0; i < most_numbers; ++i) {
    const auto end = text.find_first_not_of("0123456789");
    if (end == text.npos || text.substr(end, 2) != ": ") break;
    if (end == 0 && i > 0) break;
    text.remove_prefix(end + 2);
  }
  if (!message.host.empty()) return;  // what follows is a program's name
  // A name, and then the device's own time or what it has to say: "*Feb 1", "Feb 1", ".Feb 1", "%SYS-".
  const auto end = text.find(": ");
  if (end == text.npos || end == 0 || !std::ranges::all_of(text.substr(0, end), is_of_host)) return;
  const auto rest = text.substr(end + 2);
  constexpr std::string_view beginnings = "*.%";
  if (rest.empty() || (beginnings.find(rest.front()) == beginnings.npos && !after_time(rest))) return;
  message.host = text.substr(0, end);
  text = rest;
}

}  // namespace

Message parse(std::string_view datagram) {
  Message message;
  auto text = datagram.substr(0, longest_message);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == '\0'))
    text.remove_suffix(1);
  take_priority(text, message);
  if (is_version_1(text, message)) return message;
  if (const auto rest = after_time(text)) {
    text = *rest;
    take_host(text, message);
  }
  take_cisco_head(text, message);
  message.text = text;
  return message;
}

}  // namespace syslog
