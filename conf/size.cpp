#include "conf/size.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <ranges>

namespace conf {
namespace {

struct Unit {
  std::string_view name;
  int shift;
};
constexpr std::array units{Unit{"", 0}, Unit{"KiB", 10}, Unit{"MiB", 20}, Unit{"GiB", 30}, Unit{"TiB", 40}};

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc()) return std::nullopt;
  for (const auto& unit : units) {
    if (unit.name != std::string_view(read.ptr, end)) continue;
    if (number > std::numeric_limits<std::uint64_t>::max() >> unit.shift) return std::nullopt;
    return number << unit.shift;
  }
  return std::nullopt;
}

std::string size_text(std::uint64_t bytes) {
  for (const auto& unit : std::views::reverse(units)) {
    const auto whole = bytes >> unit.shift;
    if (whole != 0 && whole << unit.shift == bytes) return fmt::format("{}{}", whole, unit.name);
  }
  return "0";
}

}  // namespace conf
