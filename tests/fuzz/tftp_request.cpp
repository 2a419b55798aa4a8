// A request of any bytes, what it negotiates under several limits, and the answers that follow from it.
#include "protocols/tftp/packet.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>

#include "tests/fuzz/require.hpp"

using namespace tftp;
using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;
using fuzz::require;

namespace {

std::string_view text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::string lower(std::string_view name) {
  std::string low(name);
  for (auto& c : low) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return low;
}

std::string joined(const std::vector<Option>& options) {
  std::string all;
  for (const auto& [name, value] : options) all += name + '\0' + value + '\0';
  return all;
}

// What is left of a packet's options without those that have no name, or no value.
std::string named(std::string_view rest) {
  std::string all;
  for (;;) {
    const auto name_end = rest.find('\0');
    const auto value_end = name_end == rest.npos ? rest.npos : rest.find('\0', name_end + 1);
    if (value_end == rest.npos) return all;
    if (name_end > 0) all += rest.substr(0, value_end + 1);
    rest.remove_prefix(value_end + 1);
  }
}

std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value);
  if (error != std::errc{} || end != digits.end()) return {};
  return value;
}

bool is_request(std::string_view packet) {
  return packet.starts_with("\0\1"sv) || packet.starts_with("\0\2"sv);
}

void check_refusal(std::string_view packet, Malformed why) {
  require((why == Malformed::not_a_request) == !is_request(packet), "what is no request is told apart");
  if (!is_request(packet)) return;
  const bool terminated = std::ranges::count(packet.substr(2), '\0') >= 2;
  if (packet.size() > largest_request)
    return require(why == Malformed::too_large, "what is large is refused");
  if (why == Malformed::too_large) return;
  require((why == Malformed::unknown_mode) == terminated, "without two NULs it is unterminated");
}

void check_parts(std::string_view packet, const Request& request) {
  require(is_request(packet) && request.write == (packet[1] == 2), "the opcode tells writing from reading");
  auto rest = packet.substr(2);
  require(rest.starts_with(request.filename + '\0'), "the filename is the packet's");
  rest.remove_prefix(request.filename.size() + 1);
  rest.remove_prefix(rest.find('\0') + 1);
  require(named(rest) == joined(request.options), "the options are the packet's");
}

// The name may have come before with a value that was garbage, so the first of that name need not be it.
void check_subset(const std::vector<Option>& asked, const std::vector<Option>& accepted) {
  auto rest = asked.begin();
  for (const auto& option : accepted) {
    const auto value = number(option.value);
    require(value.has_value(), "an accepted value is a number");
    rest = std::find_if(rest, asked.end(), [&](const Option& one) {
      return one.name == option.name && (lower(one.name) == "tsize" || number(one.value) >= value);
    });
    require(rest != asked.end(), "what is accepted was asked, in that order and spelling, and no less");
    ++rest;
  }
}

void check_use(const Option& accepted, const Request& request, const Negotiated& n) {
  const auto name = lower(accepted.name);
  const auto value = number(accepted.value).value();
  if (name == "blksize" || name == "blksize2")
    return require(value == n.block_size, "its block size is used");
  if (name == "windowsize") return require(value == n.window, "its window is used");
  if (name == "rollover") return require(value == n.rollover, "its rollover is used");
  if (name == "timeout") return require(n.timeout == std::chrono::seconds(value), "its timeout is used");
  if (name == "utimeout")
    return require(n.timeout == std::chrono::microseconds(value), "its timeout is used");
  require(name == "tsize" && request.mode == Mode::octet, "there is no other option, nor a size of a text");
  if (request.write) require(n.announced_size.value_or(0) == value, "its size is expected");
}

void check_ranges(const Negotiated& n, const Limits& limits) {
  require(n.block_size >= 8 && n.block_size <= 65464, "a block has 8 to 65464 bytes");
  require(n.block_size <= std::max<std::uint16_t>(limits.block_size, 512),
          "a block is as long as is allowed");
  require(n.window >= 1 && n.window <= limits.window, "a window is as wide as is allowed");
  require(n.rollover <= 1, "block numbers wrap to 0 or 1");
  if (n.timeout) require(*n.timeout >= 10ms && *n.timeout <= 255s, "a timeout is one that makes sense");
}

void check_default(const Negotiated& n) {
  require(n.block_size == 512 && n.window == 1 && !n.timeout && n.rollover == 0 && !n.announced_size,
          "without an OACK it is what RFC 1350 says");
}

// Behind a request's name and mode an OACK's texts must be exactly the accepted options.
void check_oack(const Negotiated& n) {
  const auto oack = encode_oack(n);
  const auto packet = text(oack);
  require(packet.starts_with("\0\6"sv), "an OACK has its opcode");
  const auto again = "\0\1f\0octet\0"s + std::string(packet.substr(2));
  const auto parsed = parse_request(std::as_bytes(std::span(again)));
  require(parsed && joined(parsed->options) == joined(n.accepted), "an OACK says what was accepted");
  require(packet.substr(2) == joined(n.accepted), "nothing is behind an OACK's last NUL");
}

void check_negotiation(const Request& request, std::uint64_t file_size, const Limits& limits) {
  const auto n = negotiate(request, file_size, limits);
  check_subset(request.options, n.accepted);
  for (const auto& accepted : n.accepted) check_use(accepted, request, n);
  check_ranges(n, limits);
  if (n.accepted.empty()) return check_default(n);
  check_oack(n);
}

void check_error(std::string_view said) {
  const auto code = static_cast<ErrorCode>(said.size() % 9);
  const auto error = encode_error(code, said);
  const auto packet = text(error);
  require(packet.starts_with("\0\5"sv) && number_at(error, 2) == static_cast<std::uint16_t>(code),
          "an ERROR has its opcode and code");
  require(packet.size() == 4 + std::min<std::size_t>(said.size(), 199) + 1, "an ERROR's text is bounded");
  require(packet.find('\0', 4) == packet.size() - 1, "an ERROR ends with its only NUL");
  const auto words = packet.substr(4, packet.size() - 5);
  require(std::ranges::all_of(words, [](char c) { return c >= ' ' && c <= '~'; }), "an ERROR can be printed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto packet = std::as_bytes(std::span(data, size));
  check_error(text(packet));
  const auto request = parse_request(packet);
  if (!request) {
    check_refusal(text(packet), request.error());
    return 0;
  }
  check_parts(text(packet), *request);
  for (const auto& limits : {Limits{}, Limits{512, 1}, Limits{1400, 16}}) {
    check_negotiation(*request, 0, limits);
    check_negotiation(*request, std::numeric_limits<std::uint64_t>::max(), limits);
  }
  return 0;
}
