#include "storage/archives/tar_header.hpp"

#include <algorithm>
#include <string_view>

namespace storage {
namespace {

struct Field {
  std::size_t at, size;
};
constexpr Field name_field{0, 100}, size_field{124, 12}, sum_field{148, 8}, magic_field{257, 6},
    prefix_field{345, 155};
constexpr std::size_t type_at = 156;
constexpr std::uint64_t largest = 1ULL << 62;  // so that sums of sizes and offsets cannot overflow

std::string_view bytes_of(TarBlock block, Field field) {
  return {reinterpret_cast<const char*>(block.data()) + field.at, field.size};
}

std::string text_of(TarBlock block, Field field) {
  const auto bytes = bytes_of(block, field);
  return std::string(bytes.substr(0, bytes.find('\0')));
}

// Octal digits, with spaces in front, and a space or zero byte behind.
std::optional<std::uint64_t> octal(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  text = text.substr(0, text.find_first_of(std::string_view(" \0", 2)));
  std::uint64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return std::nullopt;
    number = number << 3 | static_cast<std::uint64_t>(c - '0');
  }
  return number;
}

// GNU tar's way to write a size of 8 GiB and more: the first bit set, then a big-endian number.
std::optional<std::uint64_t> base256(std::string_view text) {
  if (static_cast<unsigned char>(text.front()) != 0x80) return std::nullopt;  // negative, or far too large
  std::uint64_t number = 0;
  for (const char c : text.substr(1)) {
    if (number >= largest >> 8) return std::nullopt;
    number = number << 8 | static_cast<unsigned char>(c);
  }
  return number;
}

std::optional<std::uint64_t> number(TarBlock block, Field field) {
  const auto text = bytes_of(block, field);
  return (static_cast<unsigned char>(text.front()) & 0x80) != 0 ? base256(text) : octal(text);
}

// Over all bytes, with the checksum's own taken as spaces. Old writers summed signed bytes.
bool sum_is_right(TarBlock block) {
  const auto wanted = octal(bytes_of(block, sum_field));
  std::int64_t plain = 0, with_sign = 0;
  for (std::size_t i = 0; i < tar_block; ++i) {
    const bool own = i >= sum_field.at && i < sum_field.at + sum_field.size;
    const auto byte = own ? static_cast<unsigned char>(' ') : std::to_integer<unsigned char>(block[i]);
    plain += byte;
    with_sign += static_cast<signed char>(byte);
  }
  return wanted &&
         (static_cast<std::int64_t>(*wanted) == plain || static_cast<std::int64_t>(*wanted) == with_sign);
}

}  // namespace

std::uint64_t TarHeader::content() const { return type >= '1' && type <= '6' ? 0 : size; }

bool is_zero_block(TarBlock block) {
  return std::ranges::all_of(block, [](std::byte byte) { return byte == std::byte{0}; });
}

std::optional<TarHeader> parse_tar_header(TarBlock block) {
  const auto size = number(block, size_field);
  if (!sum_is_right(block) || !size || *size >= largest) return std::nullopt;
  TarHeader header{text_of(block, name_field), *size, std::to_integer<char>(block[type_at])};
  // GNU's older format has other things in the prefix's place, and says so by spaces in its magic.
  const auto prefix = text_of(block, prefix_field);
  if (bytes_of(block, magic_field) == std::string_view("ustar\0", 6) && !prefix.empty())
    header.name = prefix + "/" + header.name;
  // Before there was a type for it, a folder was a name with a slash.
  if (header.is_file() && header.name.ends_with('/')) header.type = '5';
  return header;
}

bool has_tar_magic(TarBlock block) { return bytes_of(block, magic_field).starts_with("ustar"); }

std::uint64_t in_blocks(std::uint64_t size) { return (size + tar_block - 1) / tar_block * tar_block; }

}  // namespace storage
