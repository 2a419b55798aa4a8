#include "storage/archives/zip_end.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "storage/archives/rejected.hpp"
#include "storage/files/file.hpp"

namespace storage {
namespace {

constexpr std::uint32_t local_signature = 0x04034b50, end_signature = 0x06054b50;
constexpr std::uint32_t locator_signature = 0x07064b50, end64_signature = 0x06064b50;
constexpr std::size_t end_size = 22, locator_size = 20, end64_size = 56;
constexpr std::size_t longest_comment = 0xffff;

[[noreturn]] void reject_cut() {
  throw Rejected("the archive is not whole: its end is missing or damaged; download or copy it again");
}

void check_beginning(const File& file) {
  const std::uint64_t size = file.at_open().size;
  if (size == 0) throw Rejected("the file is empty; download or copy it again");
  const auto begin = read_exactly(file, 0, std::min<std::uint64_t>(size, 4));
  constexpr std::array<std::byte, 4> mark = {std::byte{'P'}, std::byte{'K'}, std::byte{3}, std::byte{4}};
  const bool cut = begin.size() < 4 && std::equal(begin.begin(), begin.end(), mark.begin());
  if (cut) reject_cut();
  if (begin.size() < 4) throw Rejected("the file is no ZIP archive; was the right file downloaded?");
  const auto signature = number_at<std::uint32_t>(begin, 0);
  if (signature == end_signature) throw Rejected("the archive is empty");
  if (signature != local_signature)
    throw Rejected("the file is no ZIP archive; was the right file downloaded?");
}

// Searches from the back. An end record counts only if its comment ends where the file ends. A comment that
// holds the mark of an end record is meant to show two archives to two programs, and is refused here with the
// rest.
std::size_t find_end_record(std::span<const std::byte> tail) {
  for (std::size_t at = tail.size(); at-- > 0;) {
    if (tail.size() - at < end_size || number_at<std::uint32_t>(tail, at) != end_signature) continue;
    if (at + end_size + number_at<std::uint16_t>(tail, at + 20) != tail.size()) reject_cut();
    return at;
  }
  reject_cut();
}

// Both records say the same, or the old one says "look at the other" by having all bits set.
template <class Number>
void check_same(std::span<const std::byte> record, std::size_t at, std::uint64_t wide) {
  const auto narrow = number_at<Number>(record, at);
  if (narrow != static_cast<Number>(-1) && narrow != wide)
    throw Rejected("the archive's two end records contradict");
}

// The zip64 end record stands before its locator, which stands before the end record at `end`.
std::optional<ZipEnd> find_end64(const File& file, std::span<const std::byte> record, std::uint64_t end) {
  if (end < locator_size) return std::nullopt;
  const auto locator = read_exactly(file, end - locator_size, locator_size);
  if (number_at<std::uint32_t>(locator, 0) != locator_signature) return std::nullopt;
  const auto at = number_at<std::uint64_t>(locator, 8);
  if (end < locator_size + end64_size || at > end - locator_size - end64_size) reject_cut();
  const auto wide = read_exactly(file, at, end64_size);
  if (number_at<std::uint32_t>(wide, 0) != end64_signature) reject_cut();
  if (number_at<std::uint64_t>(wide, 4) != end - locator_size - at - 12) reject_cut();
  const ZipEnd found{number_at<std::uint64_t>(wide, 32), number_at<std::uint64_t>(wide, 48),
                     number_at<std::uint64_t>(wide, 40)};
  check_same<std::uint16_t>(record, 10, found.members);
  check_same<std::uint32_t>(record, 12, found.directory_size);
  check_same<std::uint32_t>(record, 16, found.directory);
  if (found.directory > at || found.directory_size != at - found.directory) reject_cut();
  return found;
}

}  // namespace

std::vector<std::byte> read_exactly(const File& file, std::uint64_t offset, std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t have = 0; have < size;) {
    const std::span<std::byte> rest = std::span(bytes).subspan(have);
    const auto got = file.read({&rest, 1}, offset + have);
    if (!got) throw std::system_error(got.error(), "cannot read the bundle");
    if (*got == 0) reject_cut();
    have += *got;
  }
  return bytes;
}

ZipEnd find_zip_end(const File& file) {
  check_beginning(file);
  const std::uint64_t size = file.at_open().size;
  const auto tail_size = static_cast<std::size_t>(std::min<std::uint64_t>(size, end_size + longest_comment));
  const auto tail = read_exactly(file, size - tail_size, tail_size);
  const std::size_t at = find_end_record(tail);
  const std::uint64_t end = size - tail_size + at;
  const auto record = std::span(tail).subspan(at);
  if (number_at<std::uint16_t>(record, 8) != number_at<std::uint16_t>(record, 10))
    throw Rejected("the archive is one part of several; join the parts first");
  if (const auto wide = find_end64(file, record, end)) return *wide;
  const ZipEnd found{number_at<std::uint16_t>(record, 10), number_at<std::uint32_t>(record, 16),
                     number_at<std::uint32_t>(record, 12)};
  if (found.directory > end || found.directory_size != end - found.directory) reject_cut();
  return found;
}

}  // namespace storage
