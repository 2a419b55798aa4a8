#include "protocols/tftp/packet.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <utility>

namespace tftp {
namespace {

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

std::optional<std::uint16_t> number_within(std::string_view text, std::uint64_t low, std::uint64_t high) {
  const auto value = option_number(text);
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

using Accepted = std::optional<std::uint64_t>;  // the OACK's value

struct Offer {
  const Request& request;
  std::uint64_t file_size;
  const Limits& limits;
};

Accepted accept_block_size(std::string_view value, const Offer& offer, Negotiated& n) {
  const auto asked = number_within(value, 8, 65464);
  if (!asked) return {};
  return n.block_size = std::min(*asked, offer.limits.block_size);
}

// tftp-hpa's, for boot loaders that can only do powers of two.
Accepted accept_block_size_2(std::string_view value, const Offer& offer, Negotiated& n) {
  const auto asked = number_within(value, 8, 65535);
  if (!asked) return {};
  return n.block_size = std::bit_floor(std::min(*asked, offer.limits.block_size));
}

// In netascii nobody knows the size before the whole text was converted.
Accepted accept_size(std::string_view value, const Offer& offer, Negotiated& n) {
  const auto size = option_number(value);
  if (!size || offer.request.mode != Mode::octet) return {};
  // curl, and so perhaps an access point, takes "tsize 0" for a broken server.
  if (!offer.request.write) return offer.file_size > 0 ? Accepted(offer.file_size) : Accepted();
  if (*size > 0) n.announced_size = size;  // some clients say 0 for "I do not know"
  return size;
}

Accepted accept_timeout(std::string_view value, const Offer&, Negotiated& n) {
  const auto asked = number_within(value, 1, 255);
  if (!asked) return {};
  n.timeout = std::chrono::seconds(*asked);
  return *asked;
}

// tftp-hpa's: microseconds.
Accepted accept_utimeout(std::string_view value, const Offer&, Negotiated& n) {
  const auto asked = option_number(value);
  if (!asked || *asked < 10'000 || *asked > 255'000'000) return {};
  n.timeout = std::chrono::microseconds(*asked);
  return *asked;
}

Accepted accept_window(std::string_view value, const Offer& offer, Negotiated& n) {
  const auto asked = number_within(value, 1, 65535);
  if (!asked) return {};
  return n.window = std::min(*asked, offer.limits.window);
}

Accepted accept_rollover(std::string_view value, const Offer&, Negotiated& n) {
  const auto asked = number_within(value, 0, 1);
  if (!asked) return {};
  return n.rollover = *asked;
}

// RFC 2348 (blksize), 2349 (timeout, tsize), 7440 (windowsize), and what tftp-hpa added.
struct KnownOption {
  std::string_view name;
  char says;  // what, so that nothing is said twice
  Accepted (*accept)(std::string_view value, const Offer&, Negotiated&);
};
constexpr std::array known_options{
    KnownOption{"blksize", 'b', accept_block_size}, KnownOption{"blksize2", 'b', accept_block_size_2},
    KnownOption{"tsize", 's', accept_size},         KnownOption{"timeout", 't', accept_timeout},
    KnownOption{"utimeout", 't', accept_utimeout},  KnownOption{"windowsize", 'w', accept_window},
    KnownOption{"rollover", 'r', accept_rollover},
};

// Only now, because blksize may stand behind windowsize.
void narrow_window(Negotiated& negotiated, std::size_t most_bytes) {
  const auto most = std::max<std::size_t>(most_bytes / negotiated.block_size, 1);
  if (negotiated.window <= most) return;
  negotiated.window = static_cast<std::uint16_t>(most);
  for (auto& [name, value] : negotiated.accepted) {
    if (same_word(name, "windowsize")) value = std::to_string(most);
  }
}

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
  if (error == permission_denied || error == operation_not_permitted || error == read_only_file_system) {
    return ErrorCode::access_denied;
  }
  if (error == no_space_on_device || error == file_too_large) return ErrorCode::disk_full;
  if (error == file_exists) return ErrorCode::file_exists;
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

bool is_request(Bytes packet) {
  if (packet.size() < 2) return false;
  const auto opcode = number_at(packet, 0);
  return opcode == static_cast<std::uint16_t>(Opcode::rrq) ||
         opcode == static_cast<std::uint16_t>(Opcode::wrq);
}

std::expected<Request, Malformed> parse_request(Bytes packet) {
  if (!is_request(packet)) return std::unexpected(Malformed::not_a_request);
  const auto opcode = number_at(packet, 0);
  std::string_view rest(reinterpret_cast<const char*>(packet.data()), packet.size());
  if (packet.size() > largest_request) return std::unexpected(Malformed::too_large);
  rest.remove_prefix(2);
  const auto filename = take_text(rest);
  const auto mode_word = filename ? take_text(rest) : std::nullopt;
  if (!mode_word) return std::unexpected(Malformed::unterminated);
  const auto mode = mode_of(*mode_word);
  if (!mode) return std::unexpected(Malformed::unknown_mode);
  if (filename->size() > longest_name) return std::unexpected(Malformed::too_large);

  Request request{
      opcode == static_cast<std::uint16_t>(Opcode::wrq), std::string(*filename), *mode, {}, packet.size()};
  for (;;) {
    const auto name = take_text(rest);
    const auto value = name ? take_text(rest) : std::nullopt;
    if (!value) break;
    if (name->empty()) continue;  // some devices fill their request up with zeros
    if (request.options.size() == most_options) return std::unexpected(Malformed::too_large);
    request.options.push_back({std::string(*name), std::string(*value)});
  }
  return request;
}

Negotiated negotiate(const Request& request, std::uint64_t file_size, const Limits& limits) {
  Negotiated negotiated;
  negotiated.request_size = request.size;
  std::string said;
  for (const auto& option : request.options) {
    const auto known =
        std::ranges::find_if(known_options, [&](const auto& k) { return same_word(option.name, k.name); });
    if (known == known_options.end() || said.contains(known->says)) continue;
    if (const auto value = known->accept(option.value, {request, file_size, limits}, negotiated)) {
      said += known->says;
      negotiated.accepted.push_back({option.name, std::to_string(*value)});
    }
  }
  narrow_window(negotiated, limits.window_bytes);
  return negotiated;
}

std::optional<std::uint64_t> option_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stopped != end || text.empty()) return {};
  return value;
}

bool is_same_option(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::vector<std::byte> encode_request(const Request& request) {
  constexpr std::array<std::string_view, 3> modes{"octet", "netascii", "mail"};
  std::vector<std::byte> out;
  append(out, static_cast<std::uint16_t>(request.write ? Opcode::wrq : Opcode::rrq));
  append(out, request.filename);
  append(out, modes[static_cast<std::size_t>(request.mode)]);
  for (const auto& option : request.options) {
    append(out, option.name);
    append(out, option.value);
  }
  return out;
}

std::optional<std::vector<Option>> parse_oack(Bytes packet) {
  if (packet.size() < 2 || number_at(packet, 0) != static_cast<std::uint16_t>(Opcode::oack)) return {};
  std::string_view rest(reinterpret_cast<const char*>(packet.data()), packet.size());
  rest.remove_prefix(2);
  std::vector<Option> options;
  while (!rest.empty()) {
    const auto name = take_text(rest);
    const auto value = name ? take_text(rest) : std::nullopt;
    if (!value || options.size() == most_options) return {};
    options.push_back({std::string(*name), std::string(*value)});
  }
  return options;
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

std::array<std::byte, 4> encode_ack(std::uint16_t number) {
  return {std::byte{0}, std::byte{static_cast<std::uint8_t>(Opcode::ack)},
          static_cast<std::byte>(number >> 8), static_cast<std::byte>(number & 0xff)};
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

void encode_data_header(std::span<std::byte, data_header_size> out, std::uint16_t number) {
  out[0] = std::byte{0};
  out[1] = std::byte{static_cast<std::uint8_t>(Opcode::data)};
  out[2] = static_cast<std::byte>(number >> 8);
  out[3] = static_cast<std::byte>(number & 0xff);
}

}  // namespace tftp
