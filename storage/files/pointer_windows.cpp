#include "storage/files/pointer_windows.hpp"

#include <array>

#include "storage/files/pointer.hpp"

namespace storage {

std::optional<std::string> read_pointer(HANDLE folder, std::string_view name, const Attributes& own) {
  if (name != pointer_name || own.kind != Kind::file || own.size > longest_pointer) return {};
  auto handle = open_at(folder, widen(name), FILE_READ_DATA, FILE_NON_DIRECTORY_FILE);
  if (!handle) return {};
  std::array<char, longest_pointer + 1> content;
  const std::array<std::span<std::byte>, 1> pieces{std::as_writable_bytes(std::span(content))};
  const auto size = File(std::move(*handle), own).read(pieces, 0);
  return size ? pointer_target({content.data(), *size}) : std::nullopt;
}

Attributes as_link(const Attributes& pointer, const std::string& target) {
  auto link = pointer;
  link.kind = Kind::link;
  link.size = target.size();
  link.mode = 0120777;
  return link;
}

}  // namespace storage
