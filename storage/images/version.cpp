#include "storage/images/version.hpp"

#include <algorithm>
#include <charconv>

namespace storage {
namespace {

constexpr std::size_t most_fields = 8;
constexpr std::size_t longest_letter = 3, longest_train = 4;
constexpr std::size_t longest_info = 64;
constexpr std::string_view digits = "0123456789";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_separator(char c) { return c == '.' || c == '_' || c == '-' || c == '(' || c == ')'; }

std::string lower_case(std::string_view letters) {
  std::string lower;
  for (const char c : letters) lower += static_cast<char>(c | 0x20);
  return lower;
}

bool take_number(std::string_view& text, std::uint32_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

std::string_view take_letters(std::string_view& text) {
  const auto count = std::ranges::find_if_not(text, is_letter) - text.begin();
  const auto letters = text.substr(0, static_cast<std::size_t>(count));
  text.remove_prefix(letters.size());
  return letters;
}

// Takes one field, "04" or "04a", from the front of `text`.
bool take_field(std::string_view& text, Version& version) {
  std::uint32_t number = 0;
  if (!take_number(text, number)) return false;
  const auto letter = take_letters(text);
  if (letter.size() > longest_letter || (!letter.empty() && !version.letter.empty())) return false;
  if (version.letter.empty()) {
    version.fields.push_back(number);
    version.letter = lower_case(letter);
  }
  return true;
}

// "JPN3" behind 15.3(3): the train of a classic IOS, which is the version's end. Only 12 and 15 had any, so
// that a folder such as 17_9_old has no version.
bool take_train(std::string_view text, Version& version) {
  const auto& fields = version.fields;
  if (fields.size() != 3 || (fields[0] != 12 && fields[0] != 15) || !version.letter.empty()) return false;
  const auto train = take_letters(text);
  if (train.empty() || train.size() > longest_train) return false;
  if (!text.empty() && !take_number(text, version.rebuild)) return false;
  version.letter = lower_case(train);
  return text.empty();
}

// Whether `text` is digits only, at least `least` and at most `most`.
bool is_number(std::string_view text, std::size_t least, std::size_t most) {
  return text.size() >= least && text.size() <= most &&
         text.find_first_not_of(digits) == std::string_view::npos;
}

// ap1g8, ap1g6a
bool is_ap_family(std::string_view name) {
  const auto g = name.find('g');
  if (!name.starts_with("ap") || g == std::string_view::npos || !is_number(name.substr(2, g - 2), 1, 9))
    return false;
  std::string_view rest = name.substr(g + 1);
  if (!rest.empty() && rest.back() >= 'a' && rest.back() <= 'z') rest.remove_suffix(1);
  return is_number(rest, 1, 9);
}

}  // namespace

std::optional<Version> Version::parse(std::string_view text) {
  Version version;
  for (std::size_t count = 1; count <= most_fields; ++count) {
    if (take_train(text, version)) return version;
    if (!take_field(text, version)) return std::nullopt;
    if (text.empty()) return version;
    if (!is_separator(text.front())) return std::nullopt;
    text.remove_prefix(1);
  }
  return std::nullopt;
}

std::string Version::joined(char separator) const {
  std::string text;
  for (const auto field : fields)
    text += (text.empty() ? "" : std::string(1, separator)) + std::to_string(field);
  if (rebuild == 0 && letter.size() <= longest_letter) return text + letter;
  return text + separator + letter + std::to_string(rebuild);
}

bool is_ios_xe(const Version& version) { return version.fields.front() >= 16; }

Version release_version(const Version& version) {
  Version release = version;
  if (release.fields.size() > 3) {
    release.fields.resize(3);
    release.letter.clear();  // it belonged to a later field
  }
  return release;
}

bool is_image_family(std::string_view name) {
  if (name.starts_with("apw")) return is_number(name.substr(3), 1, 9);
  if (name.starts_with('c')) return is_number(name.substr(1), 3, 4);
  return is_ap_family(name) || name == "ap801" || name == "ap802" || name == "ap803";
}

std::optional<std::string> info_line(std::string_view content) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF", white = " \t\r\n";
  if (content.size() > longest_info) return std::nullopt;
  if (content.starts_with(byte_order_mark)) content.remove_prefix(byte_order_mark.size());
  content.remove_prefix(std::min(content.find_first_not_of(white), content.size()));
  content.remove_suffix(content.size() - (content.find_last_not_of(white) + 1));
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (content.empty() || !std::ranges::all_of(content, printable)) return std::nullopt;
  return std::string(content);
}

}  // namespace storage
