#include "storage/files/whole_file.hpp"

#include <cstdint>
#include <system_error>
#include <vector>

#include "storage/files/file.hpp"

namespace storage {
namespace {

constexpr std::size_t block_size = 256 << 10;

}  // namespace

void read_whole(const File& file, const std::function<void(std::span<const std::byte>)>& hear) {
  std::vector<std::byte> block(block_size);
  const std::span<std::byte> whole = block;
  std::uint64_t left = file.at_open().size;
  for (;;) {
    const auto got = file.read({&whole, 1}, file.at_open().size - left);
    if (!got) throw std::system_error(got.error(), "cannot read the file");
    if (*got > left || (*got == 0 && left > 0))
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                              "the file was changed while it was read");
    if (*got == 0) return;
    hear(whole.first(*got));
    left -= *got;
  }
}

}  // namespace storage
