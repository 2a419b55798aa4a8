// How storage names, moves and removes files on Windows, where another program has them open.
#include "storage/files/nt_windows.hpp"

#include <doctest/doctest.h>

#include <array>

#include "storage/files/durable.hpp"
#include "storage/files/folder.hpp"
#include "storage/files/plain_file.hpp"
#include "storage/files/privacy.hpp"
#include "storage/files/root.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
using storage::Last;
using storage::Path;
using storage::Root;
using storage::system_path;

namespace {

std::string content_of(const storage::File& file) {
  std::string text(100, '\0');
  const std::array<std::span<std::byte>, 1> pieces{std::as_writable_bytes(std::span(text))};
  text.resize(file.read(pieces, 0).value());
  return text;
}

}  // namespace

TEST_CASE("a path is told to the system whole, and no rule of Win32 changes it") {
  CHECK(system_path(L"C:/depot/images") == L"\\\\?\\C:\\depot\\images");
  CHECK(system_path(L"C:\\depot\\.\\a\\..\\images\\\\x.") == L"\\\\?\\C:\\depot\\images\\x.");
  CHECK(system_path(L"C:/nul") == L"\\\\?\\C:\\nul");
  CHECK(system_path(L"C:/..") == L"\\\\?\\C:\\");
  CHECK(system_path(L"//server/share") == L"\\\\?\\UNC\\server\\share\\");
  CHECK(system_path(L"//server/share/../a") == L"\\\\?\\UNC\\server\\share\\a");
  CHECK(system_path(L"\\\\?\\C:\\a") == L"\\\\?\\C:\\a");
  CHECK(system_path(L"a") == system_path(fs::current_path() / L"a"));
  CHECK(system_path(L"a").starts_with(L"\\\\?\\"));
}

TEST_CASE("an error has the condition that it has on Linux") {
  CHECK(storage::error_of(ERROR_SHARING_VIOLATION) == std::errc::device_or_resource_busy);
  CHECK(storage::error_of(ERROR_DIRECTORY) == std::errc::not_a_directory);
  CHECK(storage::error_of(ERROR_FILE_NOT_FOUND) == std::errc::no_such_file_or_directory);
  CHECK(storage::error_of(ERROR_ALREADY_EXISTS) == std::errc::file_exists);
  CHECK(storage::error_of(ERROR_ACCESS_DENIED) == std::errc::permission_denied);
  CHECK(storage::error_of(ERROR_DISK_FULL) == std::errc::no_space_on_device);
  CHECK(storage::error_of(ERROR_NOT_SAME_DEVICE) == std::errc::cross_device_link);
  CHECK_FALSE(storage::error_of(ERROR_DISK_FULL).message().empty());
}

TEST_CASE("a file is made and opened at the end of a path of more than 260 characters") {
  const test::TempDir dir;
  auto deep = dir.path();
  for (int i = 0; i < 4; ++i) deep /= std::string(100, 'a');
  storage::make_directories(deep, 0755);
  storage::write_durably(deep / "file", "content", 0644);
  CHECK(content_of(storage::open_plain_file(deep / "file")) == "content");
  const Root root(dir.path());
  auto path = Path{};
  for (int i = 0; i < 4; ++i) path = path / std::string(100, 'a');
  CHECK(content_of(root.open_file(path / "file").value()) == "content");
  CHECK_FALSE(storage::remove_tree(dir.path() / std::string(100, 'a')));
}

TEST_CASE("a file has one name, written as it is on the disk") {
  const test::TempDir dir;
  dir.write("EWC/A long name.bin", "content");
  const Root root(dir.path());
  CHECK(root.open_file(Path{} / "EWC" / "A long name.bin"));
  for (const auto& [folder, file] : {std::pair{"ewc", "A long name.bin"},
                                     {"EWC", "a long name.bin"},
                                     {"EWC", "ALONGN~1.BIN"},
                                     {"EWC", "A long name.bin."},
                                     {"EWC", "A long name.bin "},
                                     {"EWC", "A long name.bi?"},
                                     {"EWC", "nul"}}) {
    CAPTURE(file);
    CHECK(root.open_file(Path{} / folder / file).error() == std::errc::no_such_file_or_directory);
  }
}

TEST_CASE("a file that is open is written, replaced and removed all the same") {
  const test::TempDir dir;
  const auto name = dir.path() / "file";
  storage::write_durably(name, "old", 0644);
  const auto open = storage::open_plain_file(name);
  storage::write_durably(name, "new", 0644);
  CHECK(content_of(open) == "old");
  CHECK(content_of(storage::open_plain_file(name)) == "new");
  const auto there = storage::open_path(name, DELETE, Last::itself);
  REQUIRE(there);
  CHECK_FALSE(storage::remove_by(storage::native(*there)));
}

TEST_CASE("a folder in which a file is open is busy, and one without moves") {
  const test::TempDir dir;
  dir.write("folder/file", "content");
  {
    const auto open = storage::open_plain_file(dir.path() / "folder" / "file");
    try {
      storage::rename_new(dir.path() / "folder", dir.path() / "moved");
    } catch (const std::system_error& error) {
      CHECK(error.code() == std::errc::device_or_resource_busy);
    }
  }
  if (fs::exists(dir.path() / "folder")) storage::rename_new(dir.path() / "folder", dir.path() / "moved");
  CHECK(fs::exists(dir.path() / "moved" / "file"));
}

TEST_CASE("a private file is open to nobody else, from the moment it is made") {
  const test::TempDir dir;
  storage::make_directories(dir.path() / "state", 0700);
  storage::write_durably(dir.path() / "state" / "key", "secret", 0600);
  storage::write_durably(dir.path() / "state" / "note", "inherits", 0644);
  for (const auto* name : {"key", "note"})
    CHECK_FALSE(storage::have_access(storage::Others::anybody, dir.path() / "state" / name));
}

TEST_CASE("what a writer has open is seen") {
  const test::TempDir dir;
  const auto name = dir.write("file", "content");
  CHECK_FALSE(storage::is_open_for_writing(name));
  const auto writer = storage::open_path(name, FILE_WRITE_DATA, Last::itself);
  REQUIRE(writer);
  CHECK(storage::is_open_for_writing(name));
}
