#include "protocols/sftp/attributes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

namespace sftp {
namespace {

constexpr std::string_view mode_letters = "rwxrwxrwx";
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::int64_t last_second_of_9999 = 253'402'300'799;

std::string mode_text(std::uint32_t mode, storage::Kind kind) {
  std::string text(1, kind == storage::Kind::directory ? 'd' : kind == storage::Kind::link ? 'l' : '-');
  for (unsigned i = 0; i < mode_letters.size(); ++i)
    text += (mode >> (8 - i) & 1) != 0 ? mode_letters[i] : '-';
  return text;
}

// As `ls -l`. By the library's calendar: gmtime(3) of Windows ends with the year 3000, and NTFS does not.
std::string date_text(std::int64_t when, bool recent) {
  const std::chrono::sys_seconds time{std::chrono::seconds(when)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  const auto in_year = fmt::format("{} {:2}", months[static_cast<unsigned>(date.month()) - 1],
                                   static_cast<unsigned>(date.day()));
  return recent ? fmt::format("{} {:02}:{:02}", in_year, clock.hours().count(), clock.minutes().count())
                : fmt::format("{}  {}", in_year, static_cast<int>(date.year()));
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
  const auto modified = std::clamp<std::int64_t>(a.modified, 0, last_second_of_9999);
  const bool recent = std::abs(now - modified) < half_a_year;
  return fmt::format("{} {:3} {:<8} {:<8} {:8} {} {}", mode_text(a.mode, a.kind), a.links, a.uid, a.gid,
                     a.size, date_text(modified, recent), entry.name);
}

}  // namespace sftp
