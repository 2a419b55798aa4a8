#include "storage/files/file_text.hpp"

#include <algorithm>
#include <array>

namespace storage {

std::string text_of(const File& file, std::size_t most) {
  std::string text(std::min<std::uint64_t>(file.at_open().size, most), '\0');
  const std::array pieces{std::as_writable_bytes(std::span(text))};
  const auto size = file.read(pieces, 0);
  if (!size) throw std::system_error(size.error());
  text.resize(*size);
  return text;
}

}  // namespace storage
