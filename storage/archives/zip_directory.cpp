#include "storage/archives/zip_directory.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "storage/archives/member_name.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/archives/zip_end.hpp"
#include "storage/files/file.hpp"

namespace storage {
namespace {

constexpr std::uint32_t local_signature = 0x04034b50, entry_signature = 0x02014b50;
constexpr std::size_t local_size = 30, entry_size = 46;
constexpr std::size_t longest_name =
    1024;  // two components, with room; also bounds the memory for many members
constexpr std::uint16_t zip64_extra = 1;
constexpr std::uint32_t see_extra =
    0xffffffff;  // the number is too large for its field and stands in the extra one
constexpr std::uint16_t sizes_follow = 1 << 3;  // the local header was written before the sizes were known
constexpr std::uint16_t flags_that_matter = sizes_follow | 1 << 0 | 1 << 6 | 1 << 13;  // and encryption

[[noreturn]] void reject_damaged() {
  throw Rejected("the archive's list of members is damaged; download or copy it again");
}

// Replaces the numbers that were too large, in the order in which the format has them.
void read_zip64(ZipMember& member, std::span<const std::byte> extra) {
  const auto widen = [&extra](std::uint64_t& number) {
    if (number != see_extra) return;
    if (extra.size() < 8) reject_damaged();
    number = number_at<std::uint64_t>(extra, 0);
    extra = extra.subspan(8);
  };
  widen(member.size);
  widen(member.packed);
  widen(member.header);
}

void read_extras(ZipMember& member, std::span<const std::byte> extras) {
  while (extras.size() >= 4) {
    const auto size = number_at<std::uint16_t>(extras, 2);
    if (size > extras.size() - 4) return;  // some writers pad; libarchive does not mind either
    if (number_at<std::uint16_t>(extras, 0) == zip64_extra)
      return read_zip64(member, extras.subspan(4, size));
    extras = extras.subspan(4 + size);
  }
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Reads the entry at `offset` and moves `offset` after it.
ZipMember read_entry(const File& file, std::uint64_t& offset, std::uint64_t end) {
  if (end - offset < entry_size) reject_damaged();
  const auto entry = read_exactly(file, offset, entry_size);
  if (number_at<std::uint32_t>(entry, 0) != entry_signature) reject_damaged();
  const auto name_size = number_at<std::uint16_t>(entry, 28),
             extra_size = number_at<std::uint16_t>(entry, 30);
  const std::uint64_t whole = entry_size + name_size + extra_size + number_at<std::uint16_t>(entry, 32);
  if (whole > end - offset) reject_damaged();
  if (name_size > longest_name) throw Rejected("the archive has a member whose name is far too long");
  if (number_at<std::uint16_t>(entry, 34) != 0)
    throw Rejected("the archive is one part of several; join them first");
  const auto rest = read_exactly(file, offset + entry_size, std::size_t{name_size} + extra_size);
  ZipMember member{.name = text_of(std::span(rest).first(name_size)),
                   .packed = number_at<std::uint32_t>(entry, 20),
                   .size = number_at<std::uint32_t>(entry, 24),
                   .header = number_at<std::uint32_t>(entry, 42),
                   .crc = number_at<std::uint32_t>(entry, 16),
                   .attributes = number_at<std::uint32_t>(entry, 38),
                   .made_by = number_at<std::uint16_t>(entry, 4),
                   .flags = number_at<std::uint16_t>(entry, 8),
                   .method = number_at<std::uint16_t>(entry, 10)};
  read_extras(member, std::span(rest).subspan(name_size));
  offset += whole;
  return member;
}

// libarchive believes the local header in part, other programs believe the directory: they must say the same.
void check_local_header(const ZipMember& member, std::span<const std::byte> local) {
  const auto contradicts = [&member](std::string_view what) {
    throw Rejected(
        fmt::format("the archive contradicts itself about the {} of {}", what, in_quotes(member.name)));
  };
  if (number_at<std::uint32_t>(local, 0) != local_signature) reject_damaged();
  if (((number_at<std::uint16_t>(local, 6) ^ member.flags) & flags_that_matter) != 0) contradicts("flags");
  if (number_at<std::uint16_t>(local, 8) != member.method) contradicts("compression");
  if (text_of(local.subspan(local_size)) != member.name) contradicts("name");
  if ((member.flags & sizes_follow) != 0) return;
  const auto packed = number_at<std::uint32_t>(local, 18), size = number_at<std::uint32_t>(local, 22);
  if (number_at<std::uint32_t>(local, 14) != member.crc) contradicts("checksum");
  if (packed != see_extra && packed != member.packed) contradicts("packed size");
  if (size != see_extra && size != member.size) contradicts("size");
}

// Members whose data overlap unpack to far more than the archive holds. `limit`: where the next thing begins.
void check_place(const File& file, const ZipMember& member, std::uint64_t limit) {
  const std::uint64_t head = local_size + member.name.size();
  if (member.header > limit || limit - member.header < head) reject_damaged();
  const auto local = read_exactly(file, member.header, head);
  if (number_at<std::uint16_t>(local, 26) != member.name.size()) reject_damaged();
  check_local_header(member, local);
  const std::uint64_t room = limit - member.header - head, extra = number_at<std::uint16_t>(local, 28);
  if (extra > room || member.packed > room - extra)
    throw Rejected(
        fmt::format("the data of {} reaches into what follows it in the archive", in_quotes(member.name)));
}

}  // namespace

std::vector<ZipMember> read_zip_directory(const File& file, std::uint64_t most) {
  const ZipEnd end = find_zip_end(file);
  if (end.members > most)
    throw Rejected(
        fmt::format("the archive has {} members; import.max_members allows {}", end.members, most));
  std::vector<ZipMember> members;
  std::uint64_t offset = end.directory;
  while (members.size() < end.members)
    members.push_back(read_entry(file, offset, end.directory + end.directory_size));
  if (offset != end.directory + end.directory_size) reject_damaged();
  std::ranges::sort(members, {}, &ZipMember::header);
  for (std::size_t i = 0; i < members.size(); ++i)
    check_place(file, members[i], i + 1 < members.size() ? members[i + 1].header : end.directory);
  return members;
}

}  // namespace storage
