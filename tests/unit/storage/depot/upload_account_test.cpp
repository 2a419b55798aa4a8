#include "storage/depot/upload_account.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "storage/depot/count_uploads.hpp"
#include "storage/depot/depot.hpp"
#include "storage/depot/upload_error.hpp"
#include "storage/files/root.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using storage::UploadAccount;
using storage::UploadBook;
using storage::UploadError;
using storage::UploadUse;

namespace {

constexpr UploadBook::Time start{};

UploadBook book(const storage::UploadLimits& limits) {
  UploadBook book;
  book.bound_by(limits);
  return book;
}

struct Site {
  test::TempDir dir;
  storage::Depot depot{dir.path()};
  UploadAccount account{depot, {100, 3, 2, 1}, std::chrono::steady_clock::now};

  void write(const std::string& name, std::size_t size) const {
    dir.write("images/" + name, std::string(size, 'x'));
  }
};

}  // namespace

// ---- the arithmetic

TEST_CASE("the first bound that is in the way is told") {
  auto account = book({100, 2, 1, 0});
  CHECK_FALSE(account.take({100, 1, 1}));
  CHECK(account.take({1, 0, 0}) == UploadError::total);
  CHECK(account.take({0, 0, 1}) == UploadError::folders);
  CHECK_FALSE(account.take({0, 1, 0}));
  CHECK(account.take({0, 1, 0}) == UploadError::files);
  CHECK(account.take({~0ULL, 0, 0}) == UploadError::total);
  CHECK(account.all() == UploadUse{100, 2, 1});
  account.give_back({60, 1, 0});
  CHECK_FALSE(account.take({60, 1, 0}));
}

TEST_CASE("bounds that become smaller refuse what is more, and nothing else") {
  auto account = book({100, 2, 2, 0});
  REQUIRE_FALSE(account.take({100, 1, 0}));
  account.bound_by({50, 2, 2, 0});
  CHECK(account.take({1, 0, 0}) == UploadError::total);
  CHECK_FALSE(account.take({0, 1, 0}));
  account.give_back({70, 0, 0});
  CHECK_FALSE(account.take({20, 0, 0}));
}

TEST_CASE("what is published stays taken until it is removed") {
  auto account = book({100, 2, 2, 0});
  REQUIRE_FALSE(account.take({40, 1, 0}));
  account.publish({40, 1, 0});
  CHECK(account.all() == UploadUse{40, 1, 0});
  account.remove({40, 1, 0});
  account.remove({40, 1, 1});  // the administrator was faster
  CHECK(account.all() == UploadUse{});
}

TEST_CASE("a count corrects what was published, and leaves what is under way") {
  auto account = book({100, 9, 9, 0});
  REQUIRE_FALSE(account.take({10, 1, 0}));
  account.publish({10, 1, 0});
  REQUIRE_FALSE(account.take({5, 1, 0}));
  account.begin_count(start);
  REQUIRE_FALSE(account.take({20, 1, 0}));
  account.publish({20, 1, 0});  // it may be counted or not
  account.end_count({7, 2, 1}, start + 1ms);
  CHECK(account.all() == UploadUse{32, 4, 1});
}

TEST_CASE("one counts at a time, and for a tenth of the time at most") {
  auto account = book({100, 9, 9, 0});
  CHECK(account.may_count(start));
  CHECK_FALSE(account.counted());
  account.begin_count(start);
  CHECK_FALSE(account.may_count(start + 1h));
  account.end_count({}, start + 10s);
  CHECK(account.counted());
  CHECK_FALSE(account.may_count(start + 99s));
  CHECK(account.may_count(start + 100s));
  account.begin_count(start + 100s);
  account.break_off_count(start + 101s);
  CHECK_FALSE(account.may_count(start + 109s));
  CHECK(account.may_count(start + 110s));
}

TEST_CASE("the disk is looked at again after a second or some MiB, and what is being written counts") {
  constexpr std::uint64_t mebi = 1 << 20;
  auto account = book({1, 1, 1, 10 * mebi});
  CHECK_FALSE(account.knows_room(0, start + 2s));
  account.see_disk(30 * mebi, start + 2s);
  CHECK(account.knows_room(20 * mebi, start + 2s));
  CHECK_FALSE(account.knows_room(20 * mebi + 1, start + 2s));
  CHECK_FALSE(account.knows_room(1, start + 3s));
  CHECK(account.spend(4 * mebi));
  CHECK_FALSE(account.knows_room(1, start + 2s));  // 4 MiB were written since
  account.see_disk(30 * mebi, start + 2s);         // they have not reached the disk
  CHECK_FALSE(account.spend(16 * mebi + 1));
  account.written(4 * mebi);
  account.see_disk(26 * mebi, start + 2s);
  CHECK_FALSE(account.spend(16 * mebi + 1));
  CHECK(account.spend(16 * mebi));
  account.see_disk(5 * mebi, start + 2s);  // somebody else filled it
  CHECK_FALSE(account.spend(1));
}

// ---- with a disk

TEST_CASE("every uploads folder counts, and nothing beside it") {
  const Site site;
  site.write("uploads/a", 10);
  site.write("uploads/d/b", 20);
  site.write("EWC/uploads/c/d/e", 30);
  site.write("EWC/17_9_4a/ap1g7", 1000);
  fs::create_symlink("/etc/passwd", site.depot.images() / "uploads/link");
  fs::create_directory_symlink("../EWC", site.depot.images() / "uploads/up");
  CHECK(storage::count_uploads(site.depot.images()) == UploadUse{60, 5, 3});
  CHECK(storage::count_uploads(site.dir / "none") == UploadUse{});
}

TEST_CASE("what lay there before counts, and what the administrator removes counts no more") {
  Site site;
  site.write("uploads/old", 90);
  CHECK(site.account.begin_file(11).error() == UploadError::total);
  auto share = site.account.begin_file(10);
  REQUIRE(share);
  CHECK_FALSE(share->resize(10));
  CHECK(share->resize(11) == UploadError::total);
  CHECK(share->size() == 10);
  fs::remove(site.depot.images() / "uploads/old");
  while (share->resize(100)) {
  }  // counted again once a tenth of the time allows it
  CHECK(share->resize(101) == UploadError::total);
}

std::atomic<bool> clock_was_read;

TEST_CASE("nobody is granted a place while what lay there before is being counted") {
  const test::TempDir dir;
  const storage::Depot depot(dir.path());
  for (int i = 0; i < 1000; ++i) dir.write(fmt::format("images/uploads/{}", i), "x");
  clock_was_read = false;
  UploadAccount account(depot, {2000, 1000, 2, 1}, [] {
    clock_was_read = true;  // the count begins under this lock
    return std::chrono::steady_clock::now();
  });
  std::jthread first([&] { account.count(); });
  while (!clock_was_read) std::this_thread::yield();
  const auto file = account.begin_file({});
  REQUIRE_FALSE(file);
  CHECK(file.error() == UploadError::files);
}

TEST_CASE("what is not published is given back, in all its parts") {
  Site site;
  {
    auto one = site.account.begin_file({}), two = site.account.begin_file({}),
         three = site.account.begin_file({});
    REQUIRE(one);
    REQUIRE_FALSE(one->resize(60));
    REQUIRE(three);
    CHECK(site.account.begin_file({}).error() == UploadError::files);
    CHECK(two->resize(41) == UploadError::total);
    CHECK_FALSE(one->resize(10));
    CHECK_FALSE(two->resize(90));
    auto folder = site.account.begin_folder();
    REQUIRE(folder);
    folder->published();
  }
  auto file = site.account.begin_file(100);
  REQUIRE(file);
  CHECK_FALSE(file->resize(100));
  REQUIRE(site.account.begin_folder());
  const auto last = site.account.begin_folder();
  CHECK(last);
  CHECK(site.account.begin_folder().error() == UploadError::folders);
}

TEST_CASE("the reserve of the disk is left alone, by files, folders and writes") {
  Site site;
  const auto space = storage::Root(site.depot.staging()).space({}).value();
  site.account.bound_by({~0ULL, 10, 10, 1});
  CHECK(site.account.begin_file(space.total).error() == UploadError::reserve);
  CHECK(site.account.begin_file(1));
  site.account.bound_by({~0ULL, 10, 10, space.total});
  const auto file = site.account.begin_file({});
  REQUIRE_FALSE(file);
  CHECK(file.error() == UploadError::reserve);
  const auto folder = site.account.begin_folder();
  REQUIRE_FALSE(folder);
  CHECK(folder.error() == UploadError::reserve);
}

TEST_CASE("errors name the key, and have a code that protocols know") {
  const auto text = [](UploadError error) { return make_error_code(error).message(); };
  CHECK(text(UploadError::total) == "uploads.max_total leaves no room for it");
  CHECK(text(UploadError::files) == "uploads.max_files is reached");
  CHECK(text(UploadError::folders) == "uploads.max_folders is reached");
  CHECK(text(UploadError::reserve) == "the disk has no room for it beyond uploads.reserve");
  for (const auto error :
       {UploadError::total, UploadError::files, UploadError::folders, UploadError::reserve})
    CHECK(make_error_code(error) == std::errc::no_space_on_device);
  for (const auto error : {UploadError::depth, UploadError::others, UploadError::unknown_sender})
    CHECK(make_error_code(error) == std::errc::permission_denied);
  CHECK(storage::is_upload_error(UploadError::total));
  CHECK_FALSE(storage::is_upload_error(std::make_error_code(std::errc::no_space_on_device)));
}
