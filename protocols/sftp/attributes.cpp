#include "protocols/sftp/attributes.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace sftp {
namespace {

constexpr std::string_view mode_letters = "rwxrwxrwx";

std::string mode_text(std::uint32_t mode, storage::Kind kind) {
  std::string text(1, kind == storage::Kind::directory ? 'd' : kind == storage::Kind::link ? 'l' : '-');
  for (unsigned i = 0; i < mode_letters.size(); ++i)
    text += (mode >> (8 - i) & 1) != 0 ? mode_letters[i] : '-';
  return text;
}

}  // namespace

WantedAttributes read_attributes(Reader& reader) {
  const auto flags = reader.u32();
  WantedAttributes wanted;
  if ((flags & attribute_flag::size) != 0) wanted.size = reader.u64();
  if ((flags & attribute_flag::uid_gid) != 0) {
    const auto uid = reader.u32();
    wanted.owner = {uid, reader.u32()};
  }
  if ((flags & attribute_flag::permissions) != 0) wanted.mode = reader.u32();
  if ((flags & attribute_flag::times) != 0) {
    const auto accessed = reader.u32();
    wanted.times = {accessed, reader.u32()};
  }
  return wanted;
}

void put_attributes(Output& output, const storage::Attributes& attributes) {
  output.u32(attribute_flag::size | attribute_flag::uid_gid | attribute_flag::permissions |
             attribute_flag::times);
  output.u64(attributes.size);
  output.u32(attributes.uid);
  output.u32(attributes.gid);
  output.u32(attributes.mode);
  output.u32(static_cast<std::uint32_t>(attributes.accessed));
  output.u32(static_cast<std::uint32_t>(attributes.modified));
}

std::string long_name(const storage::Entry& entry, std::int64_t now) {
  const auto& a = entry.attributes;
  constexpr std::int64_t half_a_year = 365 * 24 * 60 * 60 / 2;
  constexpr std::int64_t last_second_of_9999 = 253'402'300'799;  // fmt throws beyond what a date can be
  const auto modified = std::clamp<std::int64_t>(a.modified, 0, last_second_of_9999);
  const auto date = fmt::gmtime(static_cast<std::time_t>(modified));
  const bool recent = std::abs(now - modified) < half_a_year;
  return fmt::format("{} {:3} {:<8} {:<8} {:8} {} {}", mode_text(a.mode, a.kind), a.links, a.uid, a.gid,
                     a.size, recent ? fmt::format("{:%b %e %H:%M}", date) : fmt::format("{:%b %e  %Y}", date),
                     entry.name);
}

}  // namespace sftp
