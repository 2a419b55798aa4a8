#include "storage/depot/upload.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "storage/depot/depot.hpp"
#include "storage/depot/upload_error.hpp"
#include "storage/files/plain_file.hpp"
#include "tests/support/host.hpp"
#include "tests/unit/storage/depot/upload_site.hpp"

namespace fs = std::filesystem;
using storage::Path;
using storage::Root;
using storage::Upload;
using test::bytes, test::path;
using Site = test::UploadSite;

namespace {

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("a file is invisible until it is published, and then whole") {
  const Site site;
  fs::create_directory(site.uploads / "site-7");
  {
    auto upload = site.begin("/site-7/core.bin", 10).value();
    REQUIRE(upload.write(bytes("56789"), 5));  // in any order
    REQUIRE(upload.write(bytes("01234"), 0));
    CHECK(fs::is_empty(site.uploads / "site-7"));
    REQUIRE(upload.publish());
    CHECK(content_of(site.uploads / "site-7/core.bin") == "0123456789");
  }
  CHECK(content_of(site.uploads / "site-7/core.bin") == "0123456789");
  CHECK(fs::is_empty(site.depot.staging()));
}

TEST_CASE("a file that is not published vanishes") {
  const Site site;
  {
    auto upload = site.begin("/a").value();
    REQUIRE(upload.write(bytes("half"), 0));
    auto moved = std::move(upload);
    REQUIRE(moved.write(bytes("more"), 4));
    CHECK_FALSE(fs::is_empty(site.depot.staging()));
  }
  CHECK(site.nothing_is_left());
}

TEST_CASE("a name that is taken is refused at once") {
  const Site site;
  site.dir.write("depot/images/uploads/file", "first");
  fs::create_directory(site.uploads / "folder");
  for (const auto name : {"/file", "/folder"}) {
    CAPTURE(name);
    CHECK(site.begin(name).error() == std::errc::file_exists);
  }
  if (test::make_link("nowhere", site.uploads / "dangling"))
    CHECK(site.begin("/dangling").error() == std::errc::file_exists);
  CHECK(site.begin("/").error() == std::errc::is_a_directory);
  CHECK(content_of(site.uploads / "file") == "first");
  CHECK(fs::is_empty(site.depot.staging()));
}

TEST_CASE("a name that was taken meanwhile is never replaced") {
  const Site site;
  auto first = site.begin("/a").value(), second = site.begin("/a").value();
  REQUIRE(first.write(bytes("first"), 0));
  REQUIRE(second.write(bytes("second"), 0));
  CHECK(second.publish());
  CHECK(first.publish().error() == std::errc::file_exists);
  CHECK(content_of(site.uploads / "a") == "second");

  auto onto_link = site.begin("/b").value(), onto_folder = site.begin("/c").value();
  fs::create_directory(site.uploads / "c");
  CHECK(onto_folder.publish().error() == std::errc::file_exists);
  if (!test::make_link("a", site.uploads / "b")) return;
  CHECK(onto_link.publish().error() == std::errc::file_exists);
  CHECK(fs::is_symlink(site.uploads / "b"));
}

TEST_CASE("folders are not made") {
  const Site site;
  CHECK(site.begin("/missing/a").error() == std::errc::no_such_file_or_directory);
  CHECK(site.nothing_is_left());
  site.dir.write("depot/images/uploads/file", "");
  CHECK(site.begin("/file/a").error() == std::errc::not_a_directory);

  fs::create_directory(site.uploads / "folder");
  auto upload = site.begin("/folder/a").value();
  fs::remove(site.uploads / "folder");
  CHECK(upload.publish().error() == std::errc::no_such_file_or_directory);
}

TEST_CASE("a name that no file can have is refused at once") {
  const Site site;
  std::string longest;  // with its NUL, one byte more than the system takes
  for (int level = 0; level < 32; ++level) longest += "/" + std::string(127, 'x');
  CHECK(site.begin(longest).error() == std::errc::filename_too_long);
  CHECK(site.begin("/" + std::string(255, 'x')));
}

TEST_CASE("an upload outlives the root that it was begun with") {
  const Site site;
  auto writable = std::make_unique<Root>(site.uploads);
  auto upload = Upload::begin(site.sender, *writable, path("/a"), {}).value();
  writable.reset();
  CHECK(upload.publish());
}

TEST_CASE("a file under way can be looked at, read and cut, and has its times when it is published") {
  const Site site;
  auto upload = site.begin("/a").value();
  REQUIRE(upload.write(bytes("0123456789"), 0));
  CHECK(upload.attributes()->size == 10);
  REQUIRE(upload.resize(4));
  CHECK(upload.attributes()->size == 4);
  REQUIRE(upload.resize(6));
  std::array<std::byte, 10> read{};
  CHECK(upload.read(read, 1).value() == 5);
  CHECK(upload.read(read, 6).value() == 0);
  upload.set_times({1'000'000'000, 1'600'000'000});
  REQUIRE(upload.write(bytes("x"), 0));  // which changes the file's own times once more
  REQUIRE(upload.sync());
  CHECK(upload.attributes()->modified == 1'600'000'000);
  REQUIRE(upload.publish());
  const auto published = site.writable.attributes(path("/a")).value();
  CHECK(published.modified == 1'600'000'000);
  CHECK(published.accessed == 1'000'000'000);
  CHECK(content_of(site.uploads / "a") == std::string("x123\0\0", 6));  // which may set the access time
}

TEST_CASE("what its caller found wanting is not published") {
  const Site site;
  {
    auto upload = site.begin("/a").value();
    upload.fail(std::make_error_code(std::errc::file_too_large));
    upload.fail(std::make_error_code(std::errc::io_error));
    CHECK(upload.publish().error() == std::errc::file_too_large);
  }
  CHECK(site.nothing_is_left());
}

TEST_CASE("the folder for uploads is made once, and a link or a file in its place is an error") {
  const test::TempDir dir;
  const storage::Depot depot(dir / "depot");
  const auto uploads = depot.images() / "uploads";
  CHECK(storage::uploads_root(depot));
  dir.write("depot/images/uploads/kept", "");
  CHECK(storage::uploads_root(depot)->attributes(path("/kept")));

  fs::remove_all(uploads);
  if (test::make_link(depot.state(), uploads)) {
    CHECK(storage::uploads_root(depot).error() == std::errc::no_such_file_or_directory);
    fs::remove(uploads);
  }
  dir.write("depot/images/uploads", "");
  CHECK(storage::uploads_root(depot).error() == std::errc::not_a_directory);
}

TEST_CASE("each write is bounded by the file's length, holes and all") {
  const Site site;
  site.account.bound_by({100, 10, 10, 1});
  using storage::UploadError;
  {
    auto upload = site.begin("/a").value();
    CHECK(upload.write(bytes("x"), 100).error() == UploadError::total);
    CHECK(upload.publish().error() == UploadError::total);
  }
  {
    auto upload = site.begin("/a").value();
    CHECK(upload.write(bytes("x"), ~0ULL).error() == std::errc::file_too_large);
  }
  {
    auto upload = site.begin("/a").value();
    REQUIRE(upload.write(bytes("x"), 99));
    REQUIRE(upload.write(bytes("x"), 0));  // it was taken already
    CHECK(site.begin("/b").value().write(bytes("x"), 0).error() == UploadError::total);
    CHECK(upload.resize(101).error() == UploadError::total);
    REQUIRE(upload.resize(50));
    CHECK(site.begin("/b").value().write(bytes("x"), 49));
    REQUIRE(upload.resize(100));
    REQUIRE(upload.publish());
  }
  CHECK(site.begin("/b", 1).error() == UploadError::total);
  CHECK(site.begin("/b", 0));
}

TEST_CASE("the reserve of the disk holds while a file is written") {
  const Site site;
  auto upload = site.begin("/a").value();
  REQUIRE(upload.write(bytes("x"), 0));
  site.account.bound_by({1ULL << 40, 10, 10, 1ULL << 62});
  const std::string more(1 << 20, 'x');
  std::uint64_t written = 0;
  while (upload.write(bytes(more), written) && written < 100 << 20) written += more.size();
  CHECK(written <= 4 << 20);
  CHECK(upload.publish().error() == storage::UploadError::reserve);
}

TEST_CASE("who sent a file is recorded with it") {
  const Site site;
  REQUIRE(site.begin("/a").value().publish());
  const auto file = storage::open_plain_file(site.uploads / "a");
  const auto handle = file.handle().get();
  CHECK_FALSE(storage::expect_sender(handle, "tftp:192.0.2.7"));
  CHECK(storage::expect_sender(handle, "sftp:ewc") == storage::UploadError::others);
  CHECK(storage::expect_sender(handle, "") == storage::UploadError::others);
}
