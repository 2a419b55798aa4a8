#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace conf {

// "16GiB", "500MiB", "4096": a number of bytes. Nothing for another unit or for more than 64 bits.
std::optional<std::uint64_t> parse_size(std::string_view text);
// In the largest unit that divides it.
std::string size_text(std::uint64_t bytes);

}  // namespace conf
