#include "storage/archives/member_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace storage {
namespace {

constexpr std::size_t longest_component = 255;  // bytes: NAME_MAX
constexpr std::size_t longest_made = 200;       // room for ".yaml" and ".reason.txt"
constexpr std::size_t longest_shown = 80;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// The length of the UTF-8 sequence that `text` begins with; 0 for what is none, or is a C1 control character.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return follows(1) && (first > 0xC2 || second >= 0xA0) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0) {
    const bool overlong = first == 0xE0 && second < 0xA0, surrogate = first == 0xED && second >= 0xA0;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  const bool in_range = (first > 0xF0 || second >= 0x90) && (first < 0xF4 || second < 0x90);
  return first >= 0xF0 && first < 0xF5 && in_range && follows(1) && follows(2) && follows(3) ? 4 : 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// CON, NUL, COM1 and so on are devices on Windows, with any extension.
bool is_windows_device(std::string_view component) {
  std::string stem = folded(component.substr(0, component.find('.')));
  stem.erase(stem.find_last_not_of(' ') + 1);
  constexpr std::array<std::string_view, 6> devices = {"con", "prn", "aux", "nul", "conin$", "conout$"};
  if (std::ranges::find(devices, stem) != devices.end()) return true;
  return stem.size() == 4 && (stem.starts_with("com") || stem.starts_with("lpt")) && stem[3] >= '0' &&
         stem[3] <= '9';
}

std::optional<std::string> component_fault(std::string_view component) {
  if (component.empty()) return "it has an empty part";
  if (component == "..") return "it climbs out with \"..\"";
  if (component == ".") return "it has the part \".\"";
  if (component.size() > longest_component) return "it is longer than 255 bytes";
  if (component.ends_with('.') || component.ends_with(' ')) return "it ends in a dot or a space";
  if (is_windows_device(component)) return "it is a device's name on Windows";
  return std::nullopt;
}

// Is true for what no system allows in a file's name, or some system gives a meaning.
bool is_unsafe(char c) {
  return is_control(c) || std::string_view("\\/:*?\"<>|").find(c) != std::string_view::npos;
}

}  // namespace

std::optional<std::string> name_fault(std::string_view raw) {
  if (raw.empty()) return "it is empty";
  if (raw.front() == '/') return "it is absolute";
  if (raw.find('\\') != std::string_view::npos)
    return "it has a backslash where a ZIP has \"/\", as some Windows programs write it: make the archive "
           "again, with "
           "7-Zip, Explorer or zip";
  if (raw.find(':') != std::string_view::npos) return "it has a colon, as Windows drives and streams do";
  if (raw.find('\0') != std::string_view::npos) return "it has a zero byte";
  if (std::ranges::any_of(raw, is_control)) return "it has a control character";
  if (raw.find_first_of("*?\"<>|") != std::string_view::npos)
    return "it has one of * ? \" < > |, as no Windows name may";
  if (!is_utf8(raw)) return "it is not UTF-8";
  if (raw.ends_with('/')) raw.remove_suffix(1);  // a folder
  for (;;) {
    const auto slash = raw.find('/');
    if (auto fault = component_fault(raw.substr(0, slash))) return fault;
    if (slash == std::string_view::npos) return std::nullopt;
    raw.remove_prefix(slash + 1);
  }
}

std::string in_quotes(std::string_view untrusted) {
  std::string shown = "\"";
  for (const char c : untrusted.substr(0, longest_shown)) {
    const bool plain = c >= ' ' && c <= '~' && c != '"' && c != '\\';
    shown += plain ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return shown + (untrusted.size() > longest_shown ? "...\"" : "\"");
}

std::string folded(std::string_view name) {
  std::string lower(name);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::string safe_component(std::string_view name) {
  std::string safe(name.substr(0, longest_made));
  if (!is_utf8(safe))
    std::ranges::replace_if(
        safe, [](char c) { return static_cast<signed char>(c) < 0; }, '_');
  std::ranges::replace_if(safe, is_unsafe, '_');
  safe.erase(safe.find_last_not_of(". ") + 1);
  if (is_windows_device(safe)) safe.insert(safe.begin(), '_');
  if (safe.starts_with('.')) safe.front() = '_';  // never hidden: a release must be seen
  return safe.empty() ? "bundle" : safe;
}

}  // namespace storage
