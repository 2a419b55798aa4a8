#include "storage/files/reparse_point.hpp"

#include <algorithm>

namespace storage {
namespace {

constexpr std::uint32_t junction_tag = 0xA0000003, symlink_tag = 0xA000000C, relative_flag = 1;
constexpr std::size_t header = 8;  // tag, length of what follows, reserved

std::uint16_t u16(std::span<const std::byte> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[at]) |
                                    std::to_integer<unsigned>(bytes[at + 1]) << 8);
}
std::uint32_t u32(std::span<const std::byte> bytes, std::size_t at) {
  return u16(bytes, at) | std::uint32_t{u16(bytes, at + 2)} << 16;
}

void append_utf8(std::string& text, char32_t code) {
  const auto tail = [&](int shift) { text += static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xe0 | code >> 12);
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xf0 | code >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

std::optional<std::string> utf8(std::span<const std::byte> utf16) {
  std::string text;
  for (std::size_t at = 0; at + 1 < utf16.size(); at += 2) {
    char32_t code = u16(utf16, at);
    if (code >= 0xd800 && code <= 0xdfff) {
      const char32_t second = at + 3 < utf16.size() ? u16(utf16, at + 2) : 0;
      if (code > 0xdbff || second < 0xdc00 || second > 0xdfff) return {};
      code = 0x10000 + ((code - 0xd800) << 10) + (second - 0xdc00);
      at += 2;
    }
    append_utf8(text, code == '\\' ? U'/' : code);
  }
  return text;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// "C:/x" for "//?/C:/x", as Win32 writes it, and for the form of the kernel.
std::string without_prefix(std::string_view path) {
  for (const std::string_view prefix : {"/\?\?/", "//?/", "//./"}) {
    if (!path.starts_with(prefix)) continue;
    path.remove_prefix(prefix.size());
    constexpr std::string_view share = "UNC/";
    const bool is_share = std::ranges::equal(path.substr(0, share.size()), share, {}, lower, lower);
    return is_share ? std::string("//").append(path.substr(share.size())) : std::string(path);
  }
  return std::string(path);
}

ReparseTarget absolute(std::string_view path) { return {ReparseTarget::From::system, without_prefix(path)}; }

}  // namespace

std::optional<ReparseTarget> reparse_target(std::span<const std::byte> buffer) {
  if (buffer.size() < header) return {};
  const auto tag = u32(buffer, 0);
  const auto length = u16(buffer, 4);
  if ((tag != junction_tag && tag != symlink_tag) || buffer.size() - header < length) return {};
  const auto data = buffer.subspan(header, length);
  const std::size_t names = tag == symlink_tag ? 12 : 8;  // a symbolic link has flags before them
  if (data.size() < names) return {};
  const std::size_t offset = u16(data, 0), size = u16(data, 2);
  if (size == 0 || size % 2 != 0 || offset > data.size() - names || size > data.size() - names - offset)
    return {};
  auto path = utf8(data.subspan(names + offset, size));
  if (!path || path->find('\0') != std::string::npos) return {};
  if (tag == junction_tag || (u32(data, 8) & relative_flag) == 0) return absolute(*path);
  if (!path->starts_with('/')) return ReparseTarget{ReparseTarget::From::folder, std::move(*path)};
  if (path->starts_with("//") || path->starts_with("/?")) return absolute(*path);
  return ReparseTarget{ReparseTarget::From::root, path->substr(1)};
}

std::optional<std::string> below_folder(std::string_view folder, std::string_view path) {
  while (folder.ends_with('/')) folder.remove_suffix(1);
  if (path.size() < folder.size() ||
      !std::ranges::equal(folder, path.substr(0, folder.size()), {}, lower, lower))
    return {};
  path.remove_prefix(folder.size());
  if (path.empty()) return std::string();
  if (path.front() != '/') return {};
  return std::string(path.substr(1));
}

}  // namespace storage
