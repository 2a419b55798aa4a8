#include "storage/depot/upload.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "storage/depot/depot.hpp"
#include "storage/depot/staging.hpp"
#include "tests/unit/storage/depot/upload_site.hpp"

namespace fs = std::filesystem;
using storage::Root;
using storage::Upload;
using test::bytes, test::path;
using Site = test::UploadSite;

namespace {

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
