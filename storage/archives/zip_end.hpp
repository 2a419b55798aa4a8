#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace storage {

class File;

// Little-endian numbers, as ZIP has them. The caller has checked the length.
template <class Number>
Number number_at(std::span<const std::byte> bytes, std::size_t at) {
  Number number = 0;
  for (std::size_t i = sizeof(Number); i-- > 0;)
    number = static_cast<Number>(number << 8 | std::to_integer<Number>(bytes[at + i]));
  return number;
}

// Throws Rejected when the file ends before that, std::system_error when it cannot be read.
std::vector<std::byte> read_exactly(const File& file, std::uint64_t offset, std::size_t size);

// Where the central directory of a ZIP lies, as its end record (or the zip64 one) says.
struct ZipEnd {
  std::uint64_t members = 0, directory = 0, directory_size = 0;
};

// Throws Rejected for what is no ZIP, and for a ZIP whose end is not where the file ends: it was cut off, or
// something was added.
ZipEnd find_zip_end(const File& file);

}  // namespace storage
