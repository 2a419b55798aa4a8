#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace storage {

class File;

// What a ZIP says about itself, read without libarchive: that library repairs names and reads archives that
// lost their end, and a stranger's archive must be judged by the bytes that stand in it. Unpacking is
// libarchive's.
//
// A ZIP is read from its end:  [local header, data]...  [central directory]  [zip64 end]  [end record,
// comment]

// One member, as the central directory lists it.
struct ZipMember {
  std::string name;  // the raw bytes
  std::uint64_t packed = 0, size = 0;
  std::uint64_t header = 0;  // where its local header stands
  std::uint32_t crc = 0;
  std::uint32_t attributes = 0;  // external: a Unix mode in the upper half, DOS bits in the lower
  std::uint16_t made_by = 0;     // the system that wrote it in the upper byte
  std::uint16_t flags = 0, method = 0;
};

// The members in the order of their data. Throws Rejected when it is no ZIP, when anything of it is missing,
// when its parts overlap or contradict one another, and when it has more than `most` members;
// std::system_error when the disk fails.
std::vector<ZipMember> read_zip_directory(const File& file, std::uint64_t most);

}  // namespace storage
