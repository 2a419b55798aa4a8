#include "server/text/flat_json.hpp"

#include <charconv>
#include <cstdint>

#include "storage/files/code_point.hpp"

namespace server {
namespace {

void append_utf8(std::uint32_t code, std::string& text) {
  const auto put = [&text](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xE0 | code >> 12);
    } else {
      put(0xF0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3F));
    }
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto character = storage::first_character(text);
    if (!character.valid) return false;
    text.remove_prefix(character.length);
  }
  return true;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  std::optional<std::map<std::string, std::string>> object() {
    std::map<std::string, std::string> members;
    if (!take('{')) return {};
    if (take('}')) return ended(std::move(members));
    do {
      auto key = string();
      if (!key || !take(':')) return {};
      auto value = string();
      if (!value || !members.emplace(std::move(*key), std::move(*value)).second) return {};
    } while (take(','));
    if (!take('}')) return {};
    return ended(std::move(members));
  }

 private:
  std::optional<std::map<std::string, std::string>> ended(std::map<std::string, std::string> members) {
    blanks();
    return rest_.empty() ? std::optional(std::move(members)) : std::nullopt;
  }

  void blanks() {
    const auto end = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(end == rest_.npos ? rest_.size() : end);
  }

  bool take(char wanted) {
    blanks();
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::optional<std::string> string() {
    if (!take('"')) return {};
    std::string text;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return text;
      if (static_cast<unsigned char>(c) < 0x20) return {};
      if (c != '\\') {
        text += c;
      } else if (!escape(text)) {
        return {};
      }
    }
    return {};
  }

  bool escape(std::string& text) {
    constexpr std::string_view names = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (const auto at = names.find(c); at != names.npos) {
      text += meant[at];
      return true;
    }
    if (c != 'u') return false;
    auto code = unit();
    if (!code) return false;
    if (*code >= 0xD800 && *code < 0xDC00) {  // the first half of a pair
      if (!rest_.starts_with("\\u")) return false;
      rest_.remove_prefix(2);
      const auto second = unit();
      if (!second || *second < 0xDC00 || *second > 0xDFFF) return false;
      code = 0x10000 + ((*code - 0xD800) << 10) + (*second - 0xDC00);
    } else if (*code >= 0xDC00 && *code <= 0xDFFF) {
      return false;
    }
    append_utf8(*code, text);
    return true;
  }

  std::optional<std::uint32_t> unit() {
    std::uint32_t value = 0;
    const auto digits = rest_.substr(0, 4);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() < 4 || error != std::errc{} || end != digits.data() + 4) return {};
    rest_.remove_prefix(4);
    return value;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<std::map<std::string, std::string>> flat_json(std::string_view text) {
  if (!is_utf8(text)) return {};
  return Reader(text).object();
}

}  // namespace server
