#include "conf/address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace conf {
namespace {

constexpr std::array<std::uint8_t, 12> ipv4_mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t groups = 8, group_digits = 4;  // of an IPv6 address

// Takes a number from the front of `text`, of digits alone and at most `longest` of them.
std::optional<unsigned> take_number(std::string_view& text, int base, std::size_t longest) {
  unsigned number = 0;
  const auto front = text.substr(0, longest);
  const auto [end, error] = std::from_chars(front.data(), front.data() + front.size(), number, base);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - front.data()));
  return number;
}

bool take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

// Four numbers from 0 to 255 without zeros in front.
std::optional<std::array<std::uint8_t, 4>> parse_dotted(std::string_view text) {
  std::array<std::uint8_t, 4> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i > 0 && !take(text, ".")) return std::nullopt;
    const bool zero_in_front = text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9';
    const auto number = zero_in_front ? std::nullopt : take_number(text, 10, 3);
    if (!number || *number > 0xff) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(*number);
  }
  if (!text.empty()) return std::nullopt;
  return bytes;
}

// What stands on one side of "::", or all of an address without it.
struct Side {
  std::array<std::uint8_t, 16> bytes{};
  std::size_t size = 0;
  bool add(std::span<const std::uint8_t> more) {
    if (more.size() > bytes.size() - size) return false;
    std::ranges::copy(more, bytes.begin() + static_cast<std::ptrdiff_t>(size));
    size += more.size();
    return true;
  }
};

// Groups with one colon between them; the last one may be an IPv4 address where `may_be_dotted`.
std::optional<Side> parse_side(std::string_view text, bool may_be_dotted) {
  Side side;
  if (text.empty()) return side;
  do {
    const bool is_last = text.find(':') == text.npos;
    if (const auto dotted = is_last && may_be_dotted ? parse_dotted(text) : std::nullopt) {
      if (!side.add(*dotted)) return std::nullopt;
      return side;
    }
    const auto number = take_number(text, 16, group_digits);
    if (!number) return std::nullopt;
    const std::array group{static_cast<std::uint8_t>(*number >> 8),
                           static_cast<std::uint8_t>(*number & 0xff)};
    if (!side.add(group)) return std::nullopt;
  } while (take(text, ":"));
  if (!text.empty()) return std::nullopt;
  return side;
}

// The groups that "::" stands for: the first of the longest runs of zeros, and no single one (RFC 5952 4.2).
std::pair<std::size_t, std::size_t> longest_zeros(const std::array<unsigned, groups>& numbers) {
  std::pair<std::size_t, std::size_t> longest{0, 1};  // the first of them, and how many
  for (std::size_t i = 0; i < groups;) {
    const auto from = i;
    while (i < groups && numbers[i] == 0) ++i;
    if (i - from > longest.second) longest = {from, i - from};
    if (i == from) ++i;
  }
  return longest;
}

std::string dotted(std::span<const std::uint8_t> bytes) {
  return fmt::format("{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], bytes[3]);
}

}  // namespace

// By hand, and not by inet_pton(3): Windows' one takes other texts for addresses.
std::optional<Address> parse_ipv4(std::string_view text) {
  const auto bytes = parse_dotted(text);
  return bytes ? address_of(*bytes) : std::nullopt;
}

std::optional<Address> parse_ipv6(std::string_view text) {
  const auto gap = text.find("::");
  const auto before = parse_side(text.substr(0, gap), gap == text.npos);
  const auto after = gap == text.npos ? Side{} : parse_side(text.substr(gap + 2), true);
  Address address;
  if (!before || !after) return std::nullopt;
  const auto size = before->size + after->size;
  if (gap == text.npos ? size != address.bytes.size() : size + 2 > address.bytes.size()) return std::nullopt;
  std::ranges::copy(std::span(before->bytes).first(before->size), address.bytes.begin());
  std::ranges::copy(std::span(after->bytes).first(after->size),
                    address.bytes.end() - static_cast<std::ptrdiff_t>(after->size));
  return address;
}

std::optional<Address> address_of(std::span<const std::uint8_t> bytes) {
  Address address{.is_v4 = bytes.size() == 4};
  if (!address.is_v4 && bytes.size() != address.bytes.size()) return std::nullopt;
  if (!address.is_v4 && std::ranges::equal(bytes.first(ipv4_mapped.size()), ipv4_mapped))
    return address_of(bytes.subspan(ipv4_mapped.size()));
  std::ranges::copy(bytes, address.bytes.begin());
  return address;
}

// As inet_ntop(3) of Linux writes it, which is RFC 5952 but for an IPv4 address in the last 4 bytes.
std::string Address::text() const {
  if (is_v4) return dotted(bytes);
  std::array<unsigned, groups> numbers{};
  for (std::size_t i = 0; i < groups; ++i) numbers[i] = bytes[2 * i] * 256U + bytes[2 * i + 1];
  const auto [first, count] = longest_zeros(numbers);
  const auto gap = count > 1 ? first : groups;
  const bool ends_dotted = gap == 0 && (count == 6 || (count == 5 && numbers[5] == 0xffff));
  std::string text;
  for (std::size_t i = 0; i < groups;) {
    if (i == gap) {
      text += "::";
      i += count;
      continue;
    }
    if (!text.empty() && !text.ends_with(':')) text += ':';
    if (ends_dotted && i == 6) return text + dotted(std::span(bytes).subspan(12));
    text += fmt::format("{:x}", numbers[i++]);
  }
  return text;
}

}  // namespace conf
