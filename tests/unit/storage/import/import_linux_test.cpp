#include "storage/import/import.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <map>
#include <optional>
#include <span>
#include <thread>

#include "storage/depot/depot.hpp"
#include "storage/depot/staging.hpp"
#include "storage/files/digest.hpp"
#include "storage/files/plain_file.hpp"
#include "storage/import/digest_file.hpp"
#include "storage/releases/manifest.hpp"
#include "storage/releases/published.hpp"
#include "tests/support/aruba_image.hpp"
#include "tests/support/tar_writer.hpp"
#include "tests/support/zip_writer.hpp"
#include "tests/unit/storage/import/import_run.hpp"

namespace fs = std::filesystem;
using storage::Depot;
using storage::Imported;
using storage::Rejected;
using test::content_of, test::ewc_members, test::ewc_name, test::has, test::Import, test::Members;

namespace {

// No file may become larger than this, as long as it lives: the nearest thing to a full disk.
struct FileSizeLimit {
  rlimit before{};
  void (*handler)(int) = std::signal(SIGXFSZ, SIG_IGN);
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit tight{bytes, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &tight);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
  }
};

// A file of at most a page that somebody has mapped, and written to already: what he writes next changes no
// time, as long as the disk has not taken the page.
struct MappedFile {
  std::size_t size;
  char* bytes = nullptr;
  explicit MappedFile(const fs::path& file) : size(fs::file_size(file)) {
    const int opened = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(opened >= 0);
    bytes = static_cast<char*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, opened, 0));
    ::close(opened);
    REQUIRE((bytes != MAP_FAILED));
    write(bytes[0], 0);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() { ::munmap(bytes, size); }
  void write(char byte, std::size_t at) const { static_cast<volatile char*>(bytes)[at] = byte; }
};

}  // namespace

TEST_CASE("what import records is for the group where state/manifests is, also what it recorded before") {
  Import import;
  const auto mode_of = [](const fs::path& path) { return fs::status(path).permissions() & fs::perms::mask; };
  const auto file = import.manifest(), folder = file.parent_path();
  import.run(ewc_members());
  storage::share_manifests(import.depot);
  CHECK(mode_of(folder) == fs::perms(0700));
  CHECK(mode_of(file) == fs::perms(0600));

  fs::permissions(import.depot.manifests(), fs::perms(0750));
  storage::share_manifests(import.depot);
  CHECK(mode_of(folder) == fs::perms(0750));
  CHECK(mode_of(file) == fs::perms(0640));

  fs::remove_all(folder);
  fs::remove_all(import.depot.images() / "EWC");
  import.run(ewc_members());
  CHECK(mode_of(folder) == fs::perms(0750));
  CHECK(mode_of(file) == fs::perms(0640));
}

TEST_CASE("a disk that fails while unpacking leaves nothing, and the bundle may do later") {
  Import import;
  Members members = ewc_members();
  members[2].content = std::string(300'000, '\x01');
  const std::string archive = test::zip(members);
  const fs::path bundle = import.dir.write(ewc_name, archive);
  {
    const FileSizeLimit limit(100'000);
    CHECK_THROWS_AS(storage::import_bundle(import.depot, bundle, {}), std::system_error);
  }
  CHECK(import.images().empty());
  CHECK(import.staging_is_empty());
  CHECK_FALSE(storage::import_bundle(import.depot, bundle, {}).already_there);
}

TEST_CASE("images/ on another file system is told, and the folder that was made for the release goes away") {
  Import import;
  const fs::path elsewhere = "/dev/shm/apdepot-test-" + import.dir.path().filename().string();
  struct stat here {
  }, there{};
  REQUIRE(::stat(import.dir.path().c_str(), &here) == 0);
  if (::stat("/dev/shm", &there) != 0 || here.st_dev == there.st_dev) return;
  fs::create_directory(elsewhere);
  fs::remove(import.depot.images());
  fs::create_directory_symlink(elsewhere, import.depot.images());
  std::string reason;
  try {
    import.run(ewc_members());
  } catch (const std::system_error& error) {
    reason = error.what();
  }
  CHECK(has(reason, "must lie on the same file system"));
  CHECK(fs::is_empty(elsewhere));
  CHECK(import.staging_is_empty());
  CHECK_FALSE(fs::exists(import.manifest()));
  fs::remove_all(elsewhere);
}

TEST_CASE("what was digested is published, though others change the file and no time tells of it") {
  const std::string content(2000, 'a');
  for (const std::string name : {"weird.img", "lab.tar"}) {
    CAPTURE(name);
    Import import;
    const auto bytes = name == "lab.tar" ? test::tar({{"readme.txt", content}}) : content;
    const auto path = import.dir.write(name, bytes);
    fs::permissions(path, fs::perms(0664));
    const MappedFile attacker(path);
    const auto attack = [&](std::uint64_t done, std::uint64_t) {
      if (done >= attacker.size) attacker.write('b', 1500);  // after the file was read for the first time
    };
    import.order.progress = attack;
    try {
      storage::import_bundle(import.depot, path, import.settings, import.order);
    } catch (const std::system_error& error) {  // the disk has just taken the page
      CHECK(error.code() == std::errc::resource_unavailable_try_again);
      continue;
    }
    CHECK(content_of(path) != bytes);
    const auto images = import.images();
    CHECK(images.at(name == "lab.tar" ? "other/lab/readme.txt" : "other/weird.img") == content);
    CHECK(import.staging_is_empty());
  }
}

TEST_CASE("a file is copied before it is read unless only this user and root may write to it") {
  const test::TempDir dir;
  const auto path = dir.write("file", "x");
  const auto may_others = [&](unsigned mode) {
    fs::permissions(path, fs::perms(mode));
    return storage::may_be_written_by_others(storage::open_plain_file(path));
  };
  for (const unsigned mode : {0400U, 0644U, 0755U}) CHECK_FALSE(may_others(mode));
  for (const unsigned mode : {0664U, 0646U, 0620U}) CHECK(may_others(mode));
  if (::geteuid() != 0) return;  // who may give something away
  REQUIRE(::chown(path.c_str(), 1, 1) == 0);
  CHECK(may_others(0644));
}
