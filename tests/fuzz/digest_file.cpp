// Any bytes as SHA512SUMS, NAME.sha512 or NAME.md5: refused with a reason, or digests of their length.
#include "storage/import/digest_file.hpp"

#include <array>
#include <cstdint>
#include <fstream>

#include "storage/import/import.hpp"
#include "tests/fuzz/memory_home.hpp"
#include "tests/fuzz/require.hpp"

using fuzz::require;

namespace {

constexpr std::array names{"SHA512SUMS", "a.zip.sha512", "a.zip.md5"};

void check(const storage::KnownDigest& digest) {
  require(digest.hex.size() == storage::digest_length(digest.kind), "a digest has its length");
  require(digest.hex.find_first_not_of("0123456789abcdef") == std::string::npos, "in lower-case hex");
  require(!digest.file.empty(), "it is of a file");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const fuzz::MemoryHome home;
  const auto file = home.path() / names[data[0] % names.size()];
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(data + 1), static_cast<std::streamsize>(size - 1));
  try {
    for (const auto& digest : storage::read_digest_file(file)) check(digest);
  } catch (const storage::Rejected& refused) {
    require(refused.what()[0] != '\0', "a refusal has a reason");
  }
  std::filesystem::remove(file);
  return 0;
}
