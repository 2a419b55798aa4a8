#include "conf/early_drop.hpp"

#include <fmt/format.h>

#include <charconv>

namespace conf {

std::optional<EarlyDrop> parse_early_drop(std::string_view text) {
  EarlyDrop drop;
  const auto* const end = text.data() + text.size();
  const auto* at = text.data();
  for (auto* number : {&drop.start, &drop.rate, &drop.full}) {
    if (number != &drop.start && (at == end || *at++ != ':')) return std::nullopt;
    const auto read = std::from_chars(at, end, *number);
    if (read.ec != std::errc()) return std::nullopt;
    at = read.ptr;
  }
  constexpr std::uint32_t most = 1'000'000;
  const bool good =
      at == end && drop.start >= 1 && drop.start <= drop.full && drop.full <= most && drop.rate <= 100;
  return good ? std::optional(drop) : std::nullopt;
}

std::string EarlyDrop::text() const { return fmt::format("{}:{}:{}", start, rate, full); }

}  // namespace conf
