#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace storage {

// A tar is headers of one block, each followed by its member's content in whole blocks, and two blocks of
// zeros at the end (POSIX.1-1988 ustar). Pure: bytes come in, values go out.

constexpr std::size_t tar_block = 512;
using TarBlock = std::span<const std::byte, tar_block>;

// One header, decoded. The name is hostile.
struct TarHeader {
  std::string name;  // the raw bytes, with ustar's prefix in front
  std::uint64_t size = 0;
  char type = '0';
  bool is_file() const { return type == '0' || type == '\0' || type == '7'; }
  bool is_folder() const { return type == '5'; }
  std::uint64_t content() const;  // bytes that follow; links and devices have none, whatever their size says
};

bool is_zero_block(TarBlock block);
// Nothing when the header's checksum is wrong or its size is none: whatever this is, it is no header.
std::optional<TarHeader> parse_tar_header(TarBlock block);
// Whether the block says "ustar" where a header does, with a right checksum or not.
bool has_tar_magic(TarBlock block);
// What `size` bytes take up in whole blocks.
std::uint64_t in_blocks(std::uint64_t size);

}  // namespace storage
