#include "storage/depot/upload.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

#include "storage/depot/depot.hpp"
#include "storage/depot/upload_error.hpp"
#include "storage/import/import.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
using storage::Path;
using storage::Root;
using storage::Upload;

namespace {

Path path(std::string_view text) { return Path::parse(text).value(); }

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A depot, and the folder that devices may write to.
struct Site {
  test::TempDir dir;
  storage::Depot depot{dir / "depot"};
  fs::path uploads = depot.images() / "uploads";
  Root writable = storage::uploads_root(depot).value();
  mutable storage::UploadAccount account{
      depot, {1ULL << 40, 1000, 100, 1 << 20}, std::chrono::steady_clock::now};
  storage::Sender sender{account, "tftp:192.0.2.7"};

  storage::Result<Upload> begin(std::string_view name, std::optional<std::uint64_t> size = {}) const {
    return Upload::begin(sender, writable, path(name), size);
  }
  bool nothing_is_left() const { return fs::is_empty(uploads) && fs::is_empty(depot.staging()); }
};

// No file of this process grows beyond a size: what a full disk is like.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t size) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{size, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

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

TEST_CASE("everybody may read what was published, whatever the umask") {
  const test::TempDir dir;
  const storage::Depot depot(dir / "depot");
  const mode_t umask_before = ::umask(0077);
  const auto writable = storage::uploads_root(depot).value();
  storage::UploadAccount account(depot, {1 << 20, 10, 10, 1}, std::chrono::steady_clock::now);
  auto upload = Upload::begin({account, "tftp:192.0.2.7"}, writable, path("/a"), {}).value();
  ::umask(umask_before);
  REQUIRE(upload.publish());
  CHECK(fs::status(depot.images() / "uploads").permissions() == fs::perms(0755));
  CHECK(fs::status(depot.images() / "uploads/a").permissions() == fs::perms(0644));
  CHECK(fs::file_size(depot.images() / "uploads/a") == 0);
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

TEST_CASE("what a killed process was sent is swept, and what a live one is sent is not") {
  const Site site;
  auto live = site.begin("/live").value();
  const auto child = ::fork();
  if (child == 0) {
    auto upload = site.begin("/killed");
    if (upload && upload->write(bytes("half"), 0)) ::kill(::getpid(), SIGKILL);
    ::_exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(std::distance(fs::directory_iterator(site.depot.staging()), {}) == 2);
  storage::sweep_staging(storage::staging_areas(site.depot));
  CHECK(std::distance(fs::directory_iterator(site.depot.staging()), {}) == 1);
  CHECK(live.publish());
}

TEST_CASE("a name that is taken is refused at once") {
  const Site site;
  site.dir.write("depot/images/uploads/file", "first");
  fs::create_directory(site.uploads / "folder");
  fs::create_symlink("nowhere", site.uploads / "dangling");
  for (const auto name : {"/file", "/folder", "/dangling"}) {
    CAPTURE(name);
    CHECK(site.begin(name).error() == std::errc::file_exists);
  }
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
  fs::create_symlink("a", site.uploads / "b");
  fs::create_directory(site.uploads / "c");
  CHECK(onto_link.publish().error() == std::errc::file_exists);
  CHECK(onto_folder.publish().error() == std::errc::file_exists);
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

TEST_CASE("no link leads out of the folder for uploads, neither before nor while a file is sent") {
  const Site site;
  fs::create_directory(site.depot.images() / "EWC");
  fs::create_directory(site.uploads / "inside");
  fs::create_directory_symlink("inside", site.uploads / "good");
  fs::create_directory_symlink("../EWC", site.uploads / "up");
  fs::create_directory_symlink(site.depot.images() / "EWC", site.uploads / "absolute");
  fs::create_directory_symlink("/etc", site.uploads / "system");
  for (const auto resolver : {Root::Resolver::automatic, Root::Resolver::components}) {
    CAPTURE(static_cast<int>(resolver));
    const Root writable(site.uploads, resolver);
    for (const auto name : {"/up/apdepot-test", "/absolute/apdepot-test", "/system/apdepot-test"}) {
      CAPTURE(name);
      CHECK(Upload::begin(site.sender, writable, path(name), {}).error() ==
            std::errc::no_such_file_or_directory);
    }
    auto upload = Upload::begin(site.sender, writable, path("/good/a"), {}).value();
    fs::remove(site.uploads / "good");
    fs::create_directory_symlink("../EWC", site.uploads / "good");
    CHECK(upload.publish().error() == std::errc::no_such_file_or_directory);
    fs::remove(site.uploads / "good");
    fs::create_directory_symlink("inside", site.uploads / "good");
  }
  CHECK(fs::is_empty(site.depot.images() / "EWC"));
  CHECK(site.begin("/good/a").value().publish());
  CHECK(fs::exists(site.uploads / "inside/a"));
}

TEST_CASE("an upload outlives the root that it was begun with") {
  const Site site;
  auto writable = std::make_unique<Root>(site.uploads);
  auto upload = Upload::begin(site.sender, *writable, path("/a"), {}).value();
  writable.reset();
  CHECK(upload.publish());
}

TEST_CASE("a file that is announced to be larger than the disk is refused at once") {
  const Site site;
  struct statvfs disk {};
  REQUIRE(::statvfs(site.uploads.c_str(), &disk) == 0);
  CHECK(site.begin("/a", disk.f_blocks * disk.f_frsize).error() == std::errc::no_space_on_device);
  CHECK(site.begin("/a", ~0ULL).error() == std::errc::no_space_on_device);
  CHECK(site.nothing_is_left());
  CHECK(site.begin("/a", 1));
}

TEST_CASE("after a write that failed nothing is published") {
  const Site site;
  {
    auto upload = site.begin("/a").value();
    REQUIRE(upload.write(bytes("0123"), 0));
    const auto written = [&] {
      const FileSizeLimit limit(6);
      return upload.write(bytes("4567"), 4);
    }();
    CHECK(written.error() == std::errc::file_too_large);
    REQUIRE(upload.write(bytes("89"), 8));
    CHECK(upload.publish().error() == std::errc::file_too_large);
  }
  CHECK(site.nothing_is_left());
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
  fs::create_directory_symlink(depot.state(), uploads);
  CHECK(storage::uploads_root(depot).error() == std::errc::no_such_file_or_directory);
  fs::remove(uploads);
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
  const storage::Handle file(::open((site.uploads / "a").c_str(), O_RDONLY | O_CLOEXEC));
  CHECK_FALSE(storage::expect_sender(file.get(), "tftp:192.0.2.7"));
  CHECK(storage::expect_sender(file.get(), "sftp:ewc") == storage::UploadError::others);
  CHECK(storage::expect_sender(file.get(), "") == storage::UploadError::others);
}
