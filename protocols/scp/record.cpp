#include "protocols/scp/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace scp {
namespace {

constexpr std::uint64_t largest = std::numeric_limits<std::int64_t>::max();
constexpr std::uint32_t mode_bits = 07777;
constexpr std::size_t mode_digits = 4;

using Trouble = std::string_view;  // empty: none

// Digits up to a space or the line's end. What does not fit is cut to the largest number that there is.
std::optional<std::uint64_t> take_number(std::string_view& rest) {
  std::uint64_t value = 0;
  if (rest.empty() || rest[0] < '0' || rest[0] > '9') return {};
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return error == std::errc{} ? value : std::numeric_limits<std::uint64_t>::max();
}

bool take_space(std::string_view& rest) {
  if (!rest.starts_with(' ')) return false;
  rest.remove_prefix(1);
  return true;
}

Trouble take_mode(std::string_view& rest, std::uint32_t& mode) {
  mode = 0;
  for (std::size_t i = 0; i < mode_digits; ++i) {
    if (i >= rest.size() || rest[i] < '0' || rest[i] > '7') return "bad mode";
    mode = mode << 3 | static_cast<std::uint32_t>(rest[i] - '0');
  }
  rest.remove_prefix(mode_digits);
  return take_space(rest) ? Trouble{} : "mode not delimited";
}

Trouble take_size(std::string_view& rest, std::uint64_t& size) {
  const auto number = take_number(rest);
  if (!number) return "size not present";
  if (!take_space(rest)) return "size not delimited";
  if (*number > largest) return "size out of range";
  size = *number;
  return {};
}

std::expected<Record, std::string_view> parse_named(std::string_view line) {
  FileRecord record{};
  auto rest = line.substr(1);
  auto why = take_mode(rest, record.mode);
  if (why.empty()) why = take_size(rest, record.size);
  if (why.empty() && rest.find('\0') != std::string_view::npos) why = "NUL in a filename";
  if (!why.empty()) return std::unexpected(why);
  record.name = rest;
  if (line[0] == 'C') return record;
  return DirectoryRecord{record.mode, std::move(record.name)};
}

std::expected<Record, std::string_view> parse_times(std::string_view rest) {
  constexpr std::uint64_t most_microseconds = 999'999;
  const auto modified = take_number(rest);
  if (!modified) return std::unexpected("mtime.sec not present");
  if (!take_space(rest)) return std::unexpected("mtime.sec not delimited");
  const auto modified_fraction = take_number(rest);
  if (!modified_fraction || *modified_fraction > most_microseconds || !take_space(rest)) {
    return std::unexpected("mtime.usec not delimited");
  }
  const auto accessed = take_number(rest);
  if (!accessed) return std::unexpected("atime.sec not present");
  if (!take_space(rest)) return std::unexpected("atime.sec not delimited");
  const auto accessed_fraction = take_number(rest);
  if (!accessed_fraction || *accessed_fraction > most_microseconds || !rest.empty()) {
    return std::unexpected("atime.usec not delimited");
  }
  return files::Times{static_cast<std::int64_t>(std::min(*accessed, largest)),
                      static_cast<std::int64_t>(std::min(*modified, largest))};
}

}  // namespace

std::expected<Record, std::string_view> parse_record(std::string_view line) {
  if (line.empty()) return std::unexpected("unexpected <newline>");
  switch (line[0]) {
    case 'C':
    case 'D':
      return parse_named(line);
    case 'T':
      return parse_times(line.substr(1));
    case 'E':
      return DirectoryEnd{};
    default:
      return std::unexpected("expected control record");
  }
}

std::string file_record(const storage::Attributes& attributes, std::string_view name) {
  return fmt::format("C{:04o} {} {}\n", attributes.mode & mode_bits, attributes.size, name);
}

std::string directory_record(const storage::Attributes& attributes, std::string_view name) {
  return fmt::format("D{:04o} 0 {}\n", attributes.mode & mode_bits, name);
}

std::string times_record(const storage::Attributes& attributes) {
  return fmt::format("T{} 0 {} 0\n", std::max<std::int64_t>(attributes.modified, 0),
                     std::max<std::int64_t>(attributes.accessed, 0));
}

std::string visible(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte == 0x7f) {
      text.append("\\^").append(1, static_cast<char>(byte ^ 0x40));
    } else {
      text += c;
    }
  }
  return text;
}

std::string text_of(std::error_code error) {
  struct Text {
    std::errc error;
    std::string_view text;
  };
  using enum std::errc;
  static constexpr std::array texts{
      Text{no_such_file_or_directory, "No such file or directory"},
      Text{permission_denied, "Permission denied"},
      Text{operation_not_permitted, "Operation not permitted"},
      Text{file_exists, "File exists"},
      Text{not_a_directory, "Not a directory"},
      Text{is_a_directory, "Is a directory"},
      Text{too_many_symbolic_link_levels, "Too many levels of symbolic links"},
      Text{filename_too_long, "File name too long"},
      Text{invalid_argument, "Invalid argument"},
      Text{file_too_large, "File too large"},
      Text{no_space_on_device, "No space left on device"},
      Text{read_only_file_system, "Read-only file system"},
      Text{io_error, "Input/output error"},
      Text{argument_list_too_long, "Argument list too long"},
      Text{too_many_files_open, "Too many open files"},
  };
  // What the server decides, rather than the system, has a sentence of its own.
  const bool ours = error.category() != std::system_category() && error.category() != std::generic_category();
  if (ours) return error.message();
  for (const auto& known : texts) {
    if (error == known.error) return std::string(known.text);
  }
  return error.message();
}

}  // namespace scp
