#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace test {

// Writes ZIP archives of stored members, byte by byte, so that a test can lie in any field.
struct ZipMember {
  std::string name;
  std::string content = "";
  std::optional<std::string> local_name = {};  // in the local header, where it differs
  std::uint32_t attributes = 0100644U << 16;   // a Unix mode
  std::uint16_t made_by = 3 << 8 | 20;         // Unix
  std::uint16_t flags = 0, method = 0;
  std::optional<std::uint32_t> crc = {}, size = {}, packed = {}, header = {};  // instead of the true ones
  bool descriptor = false;  // sizes and CRC stand behind the data
  bool zip64 = false;       // sizes stand in the extra field
};

struct ZipEnd {
  std::string comment = "";
  std::optional<std::uint16_t> members = {}, members_here = {};
  bool zip64 = false;
};

inline std::string little_endian(std::uint64_t number, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(number >> 8 * i & 0xff);
  return text;
}

inline std::uint32_t crc32(std::string_view content) {
  std::uint32_t crc = ~0U;
  for (const char c : content) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

inline std::string zip_sizes(const ZipMember& member) {
  const auto size = member.zip64 ? 0xffffffffU : static_cast<std::uint32_t>(member.content.size());
  return little_endian(member.crc.value_or(crc32(member.content)), 4) +
         little_endian(member.packed.value_or(size), 4) + little_endian(member.size.value_or(size), 4);
}

inline std::string zip_extra(const ZipMember& member) {
  if (!member.zip64) return "";
  return little_endian(1, 2) + little_endian(16, 2) + little_endian(member.content.size(), 8) +
         little_endian(member.content.size(), 8);
}

inline std::string zip_local(const ZipMember& member) {
  const std::string name = member.local_name.value_or(member.name);
  const int flags = member.flags | (member.descriptor ? 8 : 0);
  std::string out = "PK\x03\x04" + little_endian(20, 2) + little_endian(static_cast<unsigned>(flags), 2) +
                    little_endian(member.method, 2) + little_endian(0x5a215a21, 4);
  out += member.descriptor ? std::string(12, '\0') : zip_sizes(member);
  out +=
      little_endian(name.size(), 2) + little_endian(zip_extra(member).size(), 2) + name + zip_extra(member);
  out += member.content;
  if (member.descriptor) out += "PK\x07\x08" + zip_sizes(member);
  return out;
}

inline std::string zip_entry(const ZipMember& member, std::uint64_t header) {
  const int flags = member.flags | (member.descriptor ? 8 : 0);
  std::string out = "PK\x01\x02" + little_endian(member.made_by, 2) + little_endian(20, 2);
  out += little_endian(static_cast<unsigned>(flags), 2) + little_endian(member.method, 2);
  out += little_endian(0x5a215a21, 4) + zip_sizes(member);
  out += little_endian(member.name.size(), 2) + little_endian(zip_extra(member).size(), 2) +
         std::string(6, '\0');
  out += little_endian(member.attributes, 4) + little_endian(member.header.value_or(header), 4);
  return out + member.name + zip_extra(member);
}

inline std::string zip64_end(std::uint64_t members, std::uint64_t directory, std::uint64_t size) {
  std::string out = "PK\x06\x06" + little_endian(44, 8) + little_endian(45, 2) + little_endian(45, 2);
  out += std::string(8, '\0') + little_endian(members, 8) + little_endian(members, 8);
  out += little_endian(size, 8) + little_endian(directory, 8);
  return out + "PK\x06\x07" + std::string(4, '\0') + little_endian(directory + size, 8) + little_endian(1, 4);
}

inline std::string zip(const std::vector<ZipMember>& members, const ZipEnd& end = {}) {
  std::string out, directory;
  for (const auto& member : members) {
    directory += zip_entry(member, out.size());
    out += zip_local(member);
  }
  const std::uint64_t at = out.size(), size = directory.size();
  out += directory;
  if (end.zip64) out += zip64_end(members.size(), at, size);
  const std::uint64_t count =
      end.zip64 ? 0xffff : end.members.value_or(static_cast<std::uint16_t>(members.size()));
  out += "PK\x05\x06" + std::string(4, '\0') + little_endian(end.members_here.value_or(count), 2);
  out += little_endian(count, 2) + little_endian(end.zip64 ? 0xffffffff : size, 4);
  out += little_endian(end.zip64 ? 0xffffffff : at, 4) + little_endian(end.comment.size(), 2);
  return out + end.comment;
}

}  // namespace test
