#include "conf/authorized_key.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "conf/network.hpp"
#include "conf/split_off.hpp"

namespace conf {
namespace {

using What = KeyFault::What;

struct KeyType {
  std::string_view name;
  std::string_view
      begins;  // the name once more, as the base64 begins with it: a key cut or pasted wrongly shows here
};
constexpr std::array key_types{KeyType{"ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5"},
                               KeyType{"ssh-rsa", "AAAAB3NzaC1yc2"},
                               KeyType{"ecdsa-sha2-nistp256", "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY"},
                               KeyType{"ecdsa-sha2-nistp384", "AAAAE2VjZHNhLXNoYTItbmlzdHAzODQ"},
                               KeyType{"ecdsa-sha2-nistp521", "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjE"}};

// They forbid what this server never does, so that it honours them.
constexpr std::array<std::string_view, 5> idle_options{"no-agent-forwarding", "no-port-forwarding", "no-pty",
                                                       "no-user-rc", "no-x11-forwarding"};
// sshd 10's, beside those that are honoured.
constexpr std::array<std::string_view, 17> refused_options{
    "agent-forwarding",   "cert-authority", "command",
    "environment",        "expiry-time",    "no-touch-required",
    "no-verify-required", "permitlisten",   "permitopen",
    "port-forwarding",    "principals",     "pty",
    "touch-required",     "tunnel",         "user-rc",
    "verify-required",    "x11-forwarding"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string low(text);
  std::ranges::transform(low, low.begin(), [](char c) { return lower(c); });
  return low;
}

bool is_base64(std::string_view text) {
  const auto data = text.substr(0, text.find('='));
  const auto padding = text.substr(data.size());
  return !data.empty() && (padding.empty() || padding == "=" || padding == "==") && text.size() % 4 == 0 &&
         std::ranges::all_of(data, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
                  c == '/';
         });
}

std::string decoded(std::string_view base64) {
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : base64.substr(0, base64.find('='))) {
    const int value = c >= 'A' && c <= 'Z'   ? c - 'A'
                      : c >= 'a' && c <= 'z' ? c - 'a' + 26
                      : c >= '0' && c <= '9' ? c - '0' + 52
                      : c == '+'             ? 62
                                             : 63;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xffU);
  }
  return bytes;
}

// Takes one field of RFC 4251, a length of 4 bytes and so many bytes, off the front; nothing when it is cut.
std::optional<std::string_view> take_field(std::string_view& bytes) {
  if (bytes.size() < 4) return std::nullopt;
  std::uint32_t size = 0;
  for (int i = 0; i < 4; ++i)
    size = size << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
  if (size > bytes.size() - 4) return std::nullopt;
  const auto field = bytes.substr(4, size);
  bytes.remove_prefix(4 + std::size_t{size});
  return field;
}

// The name, and then what RFC 4253, 5656 and 8709 say: exponent and modulus, curve and point, or 32 bytes.
bool is_whole_key(std::string_view bytes, std::string_view type) {
  constexpr std::size_t ed25519_size = 32, least_modulus = 1024 / 8;
  const auto name = take_field(bytes);
  const auto first = take_field(bytes);
  if (!name || *name != type || !first) return false;
  if (type == "ssh-ed25519") return bytes.empty() && first->size() == ed25519_size;
  const auto second = take_field(bytes);
  if (!second || !bytes.empty()) return false;
  return type == "ssh-rsa" ? second->size() >= least_modulus : second->size() > ed25519_size;
}

// TYPE BASE64 [COMMENT]
std::optional<AuthorizedKey> parse_key(std::string_view text) {
  const auto type = std::ranges::find(key_types, split_off(text, ' '), &KeyType::name);
  const auto key = split_off(text, ' ');
  if (type == key_types.end() || !key.starts_with(type->begins) || !is_base64(key)) return std::nullopt;
  if (!is_whole_key(decoded(key), type->name)) return std::nullopt;
  return AuthorizedKey{std::string(type->name), std::string(key), {}};
}

// Up to the first blank that stands in no quotes; \" does not end a quote.
std::string_view options_of(std::string_view line) {
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '"') {
      ++i;
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == ' ' && !quoted) {
      return line.substr(0, i);
    }
  }
  return {};  // nothing that could be a key stands after them
}

// Takes `"VALUE"` off the front; nothing when it does not stand there.
std::optional<std::string> quoted_value(std::string_view& text) {
  if (!text.starts_with('"')) return std::nullopt;
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return value;
    }
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '"') ++i;
    value += text[i];
  }
  return std::nullopt;
}

// An address or a network, or what is compared as text: names are not resolved, and would never match.
bool is_pattern(std::string_view text) {
  if (text.starts_with('!')) text.remove_prefix(1);
  if (text.find('/') != text.npos || parse_network(text)) return parse_network(text).has_value();
  return text.find_first_of("*?") != text.npos &&
         text.find_first_not_of("0123456789abcdefABCDEF.:*?") == text.npos;
}

std::vector<std::string_view> patterns_of(std::string_view list) {
  std::vector<std::string_view> patterns;
  for (;;) {
    const auto comma = list.find(',');
    patterns.push_back(list.substr(0, comma));
    if (comma == list.npos) return patterns;
    list.remove_prefix(comma + 1);
  }
}

// "*" stands for any characters, "?" for one. Goes back to the last star only, so it is no slower than the
// product of the lengths.
bool matches(std::string_view text, std::string_view pattern) {
  std::size_t t = 0, p = 0, star = pattern.npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || lower(pattern[p]) == text[t])) {
      ++p, ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == pattern.npos;
}

bool matches(const Address& client, std::string_view pattern) {
  const auto network = parse_network(pattern);
  return network ? network->contains(std::span(client.bytes).first(client.is_v4 ? 4 : 16))
                 : matches(client.text(), pattern);
}

KeyFault unknown(std::string_view name) {
  const auto known = std::ranges::find(refused_options, name);
  return {What::unknown_option, known == refused_options.end() ? std::string_view() : *known};
}

// Takes one option off the front. sshd compares the names without regard to case.
std::optional<KeyFault> read_option(std::string_view& options, AuthorizedKey& key) {
  const auto end = std::min(options.find_first_of(",="), options.size());
  const auto name = lower(options.substr(0, end));
  options.remove_prefix(end);
  const bool idle = name == "restrict" || std::ranges::find(idle_options, name) != idle_options.end();
  if (idle && !options.starts_with('=')) return std::nullopt;
  if (name == "command" && options.starts_with('=')) {
    options.remove_prefix(1);
    if (quoted_value(options) == "internal-sftp") return std::nullopt;
    return unknown(name);
  }
  if (name != "from" || !options.starts_with('=')) return unknown(name);
  options.remove_prefix(1);
  auto value = quoted_value(options);
  if (!value || !key.from.empty() || !std::ranges::all_of(patterns_of(*value), is_pattern))
    return KeyFault{What::bad_from, {}};
  key.from = std::move(*value);
  return std::nullopt;
}

std::optional<KeyFault> read_options(std::string_view options, AuthorizedKey& key) {
  for (;;) {
    if (auto fault = read_option(options, key)) return fault;
    if (options.empty()) return std::nullopt;
    if (!options.starts_with(',')) return KeyFault{What::unknown_option, {}};
    options.remove_prefix(1);
  }
}

}  // namespace

std::string text_of(const KeyFault& fault) {
  if (fault.what == What::no_key) return fmt::format("must be {}", authorized_key_text);
  if (fault.what == What::bad_from) {
    return "from= must be given once, as from=\"PATTERN,...\" of addresses, networks such as "
           "192.0.2.0/24 (no bits beyond the prefix) and patterns such as 192.0.2.*, each with ! "
           "before it if need be; names are not resolved";
  }
  return fmt::format(
      "the option {} is not honoured, only from=\"PATTERN,...\", restrict, no-pty, no-port-forwarding, "
      "no-X11-forwarding, no-agent-forwarding, no-user-rc and command=\"internal-sftp\" are; take it away if "
      "the key "
      "may be used without",
      fault.option.empty() ? "before it" : fault.option);
}

bool AuthorizedKey::admits(const Address& client) const {
  if (from.empty()) return true;
  bool admitted = false;
  for (auto pattern : patterns_of(from)) {
    const bool negated = pattern.starts_with('!');
    if (negated) pattern.remove_prefix(1);
    if (!matches(client, pattern)) continue;
    if (negated) return false;
    admitted = true;
  }
  return admitted;
}

std::expected<AuthorizedKey, KeyFault> parse_authorized_key(std::string_view line) {
  if (line.find_first_of("\r\n") != line.npos) return std::unexpected(KeyFault{});
  if (auto key = parse_key(line)) return std::move(*key);
  const auto options = options_of(line);
  auto key = parse_key(line.substr(std::min(options.size() + 1, line.size())));
  if (options.empty() || !key) return std::unexpected(KeyFault{});
  if (const auto fault = read_options(options, *key)) return std::unexpected(*fault);
  return std::move(*key);
}

}  // namespace conf
