#include "server/text/escape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "storage/files/code_point.hpp"

namespace server {
namespace {

std::string escape_of(char32_t code) {
  return code > 0xffff ? fmt::format("\\U{:08x}", static_cast<std::uint32_t>(code))
                       : fmt::format("\\u{:04x}", static_cast<std::uint32_t>(code));
}

std::string escape_of(char byte) {
  switch (byte) {
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return fmt::format("\\x{:02x}", static_cast<std::uint8_t>(byte));
  }
}

// Marks over one letter: UTS #39, 5.4 calls more than four a thing to look for.
constexpr int most_marks = 4;

// Takes a text from its front, character by character.
class Escaper {
 public:
  explicit Escaper(std::string_view text) : rest_(text), whole_(text.size()) {}

  std::string_view rest() const { return rest_; }
  // The next character, as it is to be shown. Valid until the next call.
  struct Shown {
    std::string_view text;
    std::size_t characters;
  };
  Shown next() {
    const char c = rest_.front();
    if (c == ' ' && (rest_.size() == 1 || rest_.size() == whole_)) return take_escaped(1, escape_of(c));
    if (c >= ' ' && c <= '~' && c != '\\') {
      marks_ = 0;
      return take(1);
    }
    const auto character = storage::first_character(rest_);
    const auto length = character.length;
    if (!character.valid || c == '\\' || length == 1) return take_escaped(1, escape_of(c));
    marks_ = storage::is_mark(character.code) ? marks_ + 1 : 0;
    if (storage::is_hidden(character.code) || marks_ > most_marks)
      return take_escaped(length, escape_of(character.code));
    return take(length);
  }

 private:
  Shown take(std::size_t length) {
    const auto taken = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return {taken, 1};
  }
  Shown take_escaped(std::size_t length, std::string escape) {
    rest_.remove_prefix(length);
    escape_ = std::move(escape);
    marks_ = most_marks;  // there is no letter below the next
    return {escape_, escape_.size()};
  }

  std::string_view rest_;
  const std::size_t whole_;
  std::string escape_;
  int marks_ = most_marks;
};

// The length of the escape, or the character, at the front of an escaped text.
std::size_t unit_length(std::string_view text) {
  if (text.front() != '\\') return storage::first_character(text).length;
  const char kind = text.size() > 1 ? text[1] : '\\';
  return kind == 'x' ? 4 : kind == 'u' ? 6 : kind == 'U' ? 10 : 2;
}

constexpr std::size_t room_for_mark = std::string_view("... (16777216 bytes more)").size();

}  // namespace

std::string escaped(std::string_view hostile, std::size_t most) {
  std::string safe;
  safe.reserve(std::min(hostile.size(), most));
  std::size_t characters = 0, kept = 0, left_out = hostile.size();
  for (Escaper escaper(hostile); !escaper.rest().empty();) {
    if (characters + room_for_mark <= most) kept = safe.size(), left_out = escaper.rest().size();
    const auto next = escaper.next();
    characters += next.characters;
    if (characters > most) {
      safe.resize(kept);
      return safe + fmt::format("... ({} bytes more)", left_out);
    }
    safe += next.text;
  }
  return safe;
}

std::string escaped_path(std::string_view path) {
  return escaped(path, path.find("/uploads/") == path.npos ? most_of_ours : most_of_client);
}

std::string bounded_line(std::string line, std::size_t most) {
  if (line.size() <= most) return line;
  constexpr std::string_view mark = "...";
  std::size_t kept = 0;
  for (;;) {
    const auto next = kept + unit_length(std::string_view(line).substr(kept));
    if (next + mark.size() > most) break;
    kept = next;
  }
  line.resize(kept);
  return line.append(mark);
}

}  // namespace server
