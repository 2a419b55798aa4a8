#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace conf {

// As sshd's MaxStartups: above `start`, `rate` percent are dropped at random, growing to all of them at
// `full`.
struct EarlyDrop {
  std::uint32_t start = 0, rate = 0, full = 0;
  std::string text() const;  // "100:30:300"
  friend bool operator==(const EarlyDrop&, const EarlyDrop&) = default;
};
// "100:30:300". Nothing for anything else, a rate above 100 or a start above full included.
std::optional<EarlyDrop> parse_early_drop(std::string_view text);

}  // namespace conf
