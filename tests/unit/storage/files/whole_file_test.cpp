#include "storage/files/whole_file.hpp"

#include <doctest/doctest.h>

#include <string>
#include <system_error>

#include "storage/archives/archive.hpp"
#include "storage/files/digest.hpp"
#include "storage/files/plain_file.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;

namespace {

constexpr auto changed = std::errc::resource_unavailable_try_again;

template <class Action>
std::error_code error_of(Action action) {
  try {
    action();
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

}  // namespace

TEST_CASE("a file is read whole, in portions") {
  const test::TempDir dir;
  for (const std::size_t size : {0UL, 1UL, 256UL << 10, (256UL << 10) + 1, 1UL << 20}) {
    CAPTURE(size);
    const std::string content(size, 'x');
    const auto file = storage::open_plain_file(dir.write("file", content));
    std::string read;
    storage::read_whole(file, [&](std::span<const std::byte> bytes) {
      read.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    });
    CHECK(read == content);
  }
}

TEST_CASE("a file that has another size than when it was opened was changed") {
  const test::TempDir dir;
  for (const std::uintmax_t size : {0UL, 999UL, 1001UL, 1UL << 20}) {
    CAPTURE(size);
    const auto path = dir.write("file", std::string(1000, 'x'));
    const auto file = storage::open_plain_file(path);
    fs::resize_file(path, size);
    CHECK(error_of([&] { storage::read_whole(file, [](auto) {}); }) == changed);
    CHECK(error_of([&] { storage::digests_of(file, {storage::DigestKind::md5}); }) == changed);
  }
}

TEST_CASE("a file that grows while it is read costs no more than the size that it had") {
  const test::TempDir dir;
  constexpr std::uintmax_t had = 1 << 20, grown = 64 << 20;
  fs::create_directory(dir / "target");
  const auto path = dir.write("file", std::string(had, 'x'));
  const auto grow = [&](std::uint64_t) { fs::resize_file(path, grown); };
  const auto file = storage::open_plain_file(path);
  std::uint64_t heard = 0;
  const auto count = [&](std::uint64_t bytes) { heard += bytes, grow(bytes); };
  CHECK(error_of([&] { storage::digests_of(file, {storage::DigestKind::md5}, count); }) == changed);
  CHECK(heard <= had);
  fs::resize_file(path, had);
  CHECK(error_of([&] { storage::copy_file(file, dir / "target", "copy", grow); }) == changed);
  CHECK(fs::file_size(dir / "target/copy") <= had);
}
