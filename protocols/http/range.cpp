#include "protocols/http/range.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace protocols::http {
namespace {

constexpr std::string_view blanks = " \t";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(blanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

bool is_bytes(std::string_view unit) {
  constexpr std::string_view bytes = "bytes";
  return std::ranges::equal(unit, bytes, [](char a, char b) { return (a | 0x20) == b; });
}

// What is larger than any file stands for the largest number.
std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || stopped != end) return {};
  if (error == std::errc::result_out_of_range) return std::numeric_limits<std::uint64_t>::max();
  return error == std::errc{} ? std::optional(number) : std::nullopt;
}

Wanted last_bytes(std::string_view text, std::uint64_t size) {
  const auto count = number_of(text);
  if (!count) return Whole{};
  const auto some = std::min(*count, size);
  if (some == 0) return NotSatisfiable{};
  return Span{size - some, some};
}

}  // namespace

Wanted wanted_range(std::string_view header, std::uint64_t size) {
  const auto sign = header.find('=');
  if (sign == header.npos || !is_bytes(trimmed(header.substr(0, sign)))) return Whole{};
  const auto range = trimmed(header.substr(sign + 1));
  const auto hyphen = range.find('-');
  if (hyphen == range.npos || range.find(',') != range.npos) return Whole{};
  const auto from = trimmed(range.substr(0, hyphen)), to = trimmed(range.substr(hyphen + 1));
  if (from.empty()) return last_bytes(to, size);
  const auto first = number_of(from);
  const auto last = to.empty() ? std::optional(std::numeric_limits<std::uint64_t>::max()) : number_of(to);
  if (!first || !last || *last < *first) return Whole{};
  if (*first >= size) return NotSatisfiable{};
  return Span{*first, std::min(*last, size - 1) - *first + 1};
}

}  // namespace protocols::http
