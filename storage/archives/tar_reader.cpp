#include "storage/archives/tar_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "storage/archives/member_name.hpp"
#include "storage/archives/rejected.hpp"

namespace storage {
namespace {

constexpr std::size_t portion = 64 << 10;
constexpr std::uint64_t longest_text = 64 << 10;  // of a long name or of extended records

[[noreturn]] void reject_cut() {
  throw Rejected("the archive is not whole: its end is missing; download or copy it again");
}
[[noreturn]] void reject_damaged(std::string_view what) {
  throw Rejected(fmt::format("the archive is damaged ({}); download or copy it again", what));
}

std::optional<std::uint64_t> decimal(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

struct Record {
  std::string_view key, value;
};

// POSIX: "LENGTH KEY=VALUE\n", where LENGTH counts the whole record.
Record take_record(std::string_view& records) {
  const auto space = records.find(' ');
  const auto length = decimal(records.substr(0, space));
  if (space == std::string_view::npos || !length || *length > records.size() || *length < space + 3)
    reject_damaged("an extended header is none");
  auto record = records.substr(space + 1, static_cast<std::size_t>(*length) - space - 1);
  const auto equals = record.find('=');
  if (!record.ends_with('\n') || equals == std::string_view::npos)
    reject_damaged("an extended header is none");
  record.remove_suffix(1);
  records.remove_prefix(static_cast<std::size_t>(*length));
  return {record.substr(0, equals), record.substr(equals + 1)};
}

// `tar -C folder .` writes "./ap1g8".
std::string without_dot(std::string name) {
  while (name.starts_with("./")) name.erase(0, 2);
  return name;
}

}  // namespace

std::optional<TarReader::Member> TarReader::next() {
  Extended extended;
  for (;;) {
    const auto header = next_header();
    if (!header) return std::nullopt;
    if (note(*header, extended)) continue;
    auto found = member(*header, std::move(extended));
    if (!found.name.empty()) return found;
    extended = {};  // that was the folder "./" itself
  }
}

std::size_t TarReader::read(std::span<std::byte> into) {
  const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_));
  if (stream_.read(into.first(want)) != want) reject_cut();
  left_ -= want;
  return want;
}

std::optional<TarHeader> TarReader::next_header() {
  skip_padding();
  std::array<std::byte, tar_block> block{};
  if (stream_.read(block) != block.size()) reject_cut();
  if (is_zero_block(block)) {
    if (!begun_) throw Rejected("the archive is empty");
    expect_end();
    return std::nullopt;
  }
  const auto header = parse_tar_header(block);
  if (!header) reject_damaged("a member's header is none");
  begun_ = true;
  left_ = header->content();
  padding_ = static_cast<std::size_t>(in_blocks(left_) - left_);
  return header;
}

// True for a header that only says something about the next.
bool TarReader::note(const TarHeader& header, Extended& extended) {
  switch (header.type) {
    case 'L':  // GNU: a long name
      extended.name = text(header.size);
      extended.name->erase(std::min(extended.name->find('\0'), extended.name->size()));
      return true;
    case 'K':  // GNU: a long target of a link, which itself will be refused
      text(header.size);
      return true;
    case 'x':
    case 'g':
      take_records(text(header.size), header.type == 'g', extended);
      return true;
    default:
      return false;
  }
}

void TarReader::take_records(std::string_view records, bool for_all, Extended& extended) {
  while (!records.empty()) {
    const auto [key, value] = take_record(records);
    const bool path = key == "path", size = key == "size";
    if (key.starts_with("GNU.sparse.") || (for_all && (path || size)))
      throw Rejected(fmt::format("the archive uses {}; make it again with plain files only", in_quotes(key)));
    if (path) extended.name = value;
    if (size) extended.size = decimal(value);
    if (size && !extended.size) reject_damaged("a size is no number");
  }
}

TarReader::Member TarReader::member(const TarHeader& header, Extended extended) {
  Member found{without_dot(extended.name.value_or(header.name)), header.content()};
  if (!header.is_file() && !header.is_folder())
    throw Rejected(
        fmt::format("the archive's member {} is a link, a device or another special file; apdepot unpacks "
                    "plain files only",
                    in_quotes(found.name)));
  // A header that has no room for its size says 0 there, or the size's last digits.
  if (extended.size && header.size != 0 && header.size != *extended.size)
    throw Rejected(fmt::format("the archive contradicts itself about the size of {}", in_quotes(found.name)));
  if (header.is_folder()) {
    if (header.size != 0 || extended.size.value_or(0) != 0)
      throw Rejected(fmt::format("the archive's member {} is a folder with content", in_quotes(found.name)));
    if (found.name == ".") found.name.clear();
    if (!found.name.empty() && !found.name.ends_with('/')) found.name += '/';
    return found;
  }
  if (found.name.empty()) throw Rejected("the archive has a member with the unsafe name \"\": it is empty");
  found.size = extended.size.value_or(found.size);
  left_ = found.size;
  padding_ = static_cast<std::size_t>(in_blocks(left_) - left_);
  return found;
}

std::string TarReader::text(std::uint64_t size) {
  if (size > longest_text) throw Rejected("the archive has a member whose name is far too long");
  std::string bytes(static_cast<std::size_t>(size), '\0');
  read(std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

void TarReader::skip_padding() {
  std::array<std::byte, tar_block> block{};
  const auto padding = std::span(block).first(std::exchange(padding_, 0));
  if (stream_.read(padding) != padding.size()) reject_cut();
}

// One block of zeros was read. What follows the second must be zeros too: tapes and `tar` itself fill up so.
void TarReader::expect_end() {
  std::vector<std::byte> block(tar_block);
  if (stream_.read(block) != block.size()) reject_cut();
  std::size_t got = block.size();
  block.resize(portion);
  const auto zero = [](std::byte byte) { return byte == std::byte{0}; };
  for (; got > 0; got = stream_.read(block)) {
    if (!std::ranges::all_of(std::span(block).first(got), zero)) reject_damaged("something follows its end");
  }
}

}  // namespace storage
