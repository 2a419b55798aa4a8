// What Windows keeps for a link, of any bytes: it leads somewhere or nowhere, inside the root or not.
#include <cstdint>

#include "storage/files/reparse_point.hpp"

#include "tests/fuzz/require.hpp"

using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto target = storage::reparse_target(std::as_bytes(std::span(data, size)));
  if (!target) return 0;
  require(target->path.size() <= size * 3 / 2, "no more text than there are bytes");
  require(target->path.find('\0') == target->path.npos && target->path.find('\\') == target->path.npos,
          "a path as apdepot writes paths");
  constexpr std::string_view root = "C:/depot/images";
  if (const auto inside = storage::below_folder(root, target->path))
    require(target->path.size() >= root.size() && target->path.ends_with(*inside), "what follows the root");
  return 0;
}
