#include "protocols/tftp/packet.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace tftp {
namespace {

constexpr std::size_t longest_error_text = 199;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_word(std::string_view a, std::string_view lower_case) {
  return std::ranges::equal(a, lower_case, {}, lower);
}

// Takes one NUL-terminated text off the front.
std::optional<std::string_view> take_text(std::string_view& rest) {
  const auto end = rest.find('\0');
  if (end == std::string_view::npos) return {};
  const auto text = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return text;
}

std::optional<Mode> mode_of(std::string_view word) {
  if (same_word(word, "octet") || same_word(word, "binary")) return Mode::octet;
  if (same_word(word, "netascii") || same_word(word, "ascii")) return Mode::netascii;
  if (same_word(word, "mail")) return Mode::mail;
  return {};
}

// Digits and nothing else: "+5", " 5", "12x", "" and what does not fit are no numbers.
std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stopped != end || text.empty()) return {};
  return value;
}

std::optional<std::uint16_t> number_within(std::string_view text, std::uint64_t low, std::uint64_t high) {
  const auto value = number(text);
  if (!value || *value < low || *value > high) return {};
  return static_cast<std::uint16_t>(*value);
}

void append(std::vector<std::byte>& out, std::uint16_t value) {
  out.push_back(static_cast<std::byte>(value >> 8));
  out.push_back(static_cast<std::byte>(value & 0xff));
}

void append(std::vector<std::byte>& out, std::string_view text) {
  for (const char c : text) out.push_back(static_cast<std::byte>(c));
  out.push_back(std::byte{0});
}

// One row an option: RFC 2348 (blksize), 2349 (timeout, tsize), 7440 (windowsize). `accept` gives the OACK's
// value.
struct KnownOption {
  std::string_view name;
  std::optional<std::uint64_t> (*accept)(std::string_view value, std::uint64_t file_size, const Limits&,
                                         Negotiated&);
};

constexpr std::array known_options{
    KnownOption{"blksize",
                [](std::string_view value, std::uint64_t, const Limits& limits,
                   Negotiated& n) -> std::optional<std::uint64_t> {
                  const auto asked = number_within(value, 8, 65464);
                  if (!asked) return {};
                  return n.block_size = std::min(*asked, limits.block_size);
                }},
    KnownOption{"tsize",
                [](std::string_view value, std::uint64_t file_size, const Limits&,
                   Negotiated&) -> std::optional<std::uint64_t> {
                  if (!number(value)) return {};
                  return file_size;
                }},
    KnownOption{"timeout",
                [](std::string_view value, std::uint64_t, const Limits&,
                   Negotiated& n) -> std::optional<std::uint64_t> {
                  const auto asked = number_within(value, 1, 255);
                  if (!asked) return {};
                  n.timeout = std::chrono::seconds(*asked);
                  return *asked;
                }},
    KnownOption{"windowsize",
                [](std::string_view value, std::uint64_t, const Limits& limits,
                   Negotiated& n) -> std::optional<std::uint64_t> {
                  const auto asked = number_within(value, 1, 65535);
                  if (!asked) return {};
                  return n.window = std::min(*asked, limits.window);
                }},
};

}  // namespace

std::string_view text_of(ErrorCode code) {
  constexpr std::array<std::string_view, 9> texts{"Undefined error code",
                                                  "File not found",
                                                  "Access denied",
                                                  "Disk full or allocation exceeded",
                                                  "Illegal TFTP operation",
                                                  "Unknown transfer ID",
                                                  "File already exists",
                                                  "No such user",
                                                  "Failure to negotiate RFC2347 options"};
  return texts[static_cast<std::size_t>(code)];
}

ErrorCode code_of(std::error_code error) {
  using enum std::errc;
  if (error == permission_denied || error == operation_not_permitted) return ErrorCode::access_denied;
  // A directory is no file, and a name that cannot be is the name of none.
  for (const auto missing : {no_such_file_or_directory, not_a_directory, is_a_directory, filename_too_long,
                             too_many_symbolic_link_levels}) {
    if (error == missing) return ErrorCode::file_not_found;
  }
  return ErrorCode::undefined;
}

std::uint16_t number_at(Bytes packet, std::size_t offset) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(packet[offset]) << 8 |
                                    std::to_integer<unsigned>(packet[offset + 1]));
}

std::expected<Request, Malformed> parse_request(Bytes packet) {
  if (packet.size() < 2) return std::unexpected(Malformed::not_a_request);
  const auto opcode = number_at(packet, 0);
  if (opcode != static_cast<std::uint16_t>(Opcode::rrq) &&
      opcode != static_cast<std::uint16_t>(Opcode::wrq)) {
    return std::unexpected(Malformed::not_a_request);
  }
  std::string_view rest(reinterpret_cast<const char*>(packet.data()), packet.size());
  rest.remove_prefix(2);
  const auto filename = take_text(rest);
  const auto mode_word = filename ? take_text(rest) : std::nullopt;
  if (!mode_word) return std::unexpected(Malformed::unterminated);
  const auto mode = mode_of(*mode_word);
  if (!mode) return std::unexpected(Malformed::unknown_mode);

  Request request{opcode == static_cast<std::uint16_t>(Opcode::wrq), std::string(*filename), *mode, {}};
  for (;;) {
    const auto name = take_text(rest);
    const auto value = name ? take_text(rest) : std::nullopt;
    if (!value) break;
    request.options.push_back({std::string(*name), std::string(*value)});
  }
  return request;
}

Negotiated negotiate(const Request& request, std::uint64_t file_size, const Limits& limits) {
  Negotiated negotiated;
  std::array<bool, known_options.size()> seen{};
  for (const auto& option : request.options) {
    const auto known =
        std::ranges::find_if(known_options, [&](const auto& k) { return same_word(option.name, k.name); });
    if (known == known_options.end()) continue;
    if (std::exchange(seen[static_cast<std::size_t>(known - known_options.begin())], true)) continue;
    if (const auto value = known->accept(option.value, file_size, limits, negotiated)) {
      negotiated.accepted.push_back({option.name, std::to_string(*value)});
    }
  }
  return negotiated;
}

std::vector<std::byte> encode_oack(const Negotiated& negotiated) {
  std::vector<std::byte> out;
  append(out, static_cast<std::uint16_t>(Opcode::oack));
  for (const auto& option : negotiated.accepted) {
    append(out, option.name);
    append(out, option.value);
  }
  return out;
}

std::vector<std::byte> encode_error(ErrorCode code, std::string_view text) {
  std::string printable(text.substr(0, longest_error_text));
  std::ranges::replace_if(
      printable, [](char c) { return c < ' ' || c > '~'; }, '?');
  std::vector<std::byte> out;
  append(out, static_cast<std::uint16_t>(Opcode::error));
  append(out, static_cast<std::uint16_t>(code));
  append(out, printable);
  return out;
}

void encode_data_header(std::span<std::byte, data_header_size> out, std::uint16_t block) {
  out[0] = std::byte{0};
  out[1] = std::byte{static_cast<std::uint8_t>(Opcode::data)};
  out[2] = static_cast<std::byte>(block >> 8);
  out[3] = static_cast<std::byte>(block & 0xff);
}

}  // namespace tftp
