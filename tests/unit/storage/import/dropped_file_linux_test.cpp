#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>
#include <system_error>

#include "storage/depot/depot.hpp"
#include "storage/import/dropped_file.hpp"
#include "tests/support/ntfs_rules.hpp"
#include "tests/unit/storage/import/dropping.hpp"

namespace fs = std::filesystem;
using storage::DroppedFile;
using test::Names, test::names_in, test::text_in;

namespace {

struct Dropping : test::Dropping {
  Dropping() { ::umask(022); }
};

// Where drop/ is a file system of its own, nothing can be moved from it to state/.
struct DroppingElsewhere : Dropping {
  const fs::path elsewhere = fs::path("/dev/shm") / dir.path().filename();
  bool is_other_disk = false;

  DroppingElsewhere() {
    struct stat here {
    }, there{};
    is_other_disk = ::stat(dir.path().c_str(), &here) == 0 && ::stat("/dev/shm", &there) == 0 &&
                    here.st_dev != there.st_dev;
    if (!is_other_disk) return;
    fs::create_directory(elsewhere);
    fs::remove(depot.drop());
    fs::create_directory_symlink(elsewhere, depot.drop());
  }
  DroppingElsewhere(const DroppingElsewhere&) = delete;
  DroppingElsewhere& operator=(const DroppingElsewhere&) = delete;
  ~DroppingElsewhere() { fs::remove_all(elsewhere); }

  std::string why_not_removed(const std::string& name) {
    try {
      drop(name, "x").remove();
      return "";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }
};

}  // namespace

TEST_CASE_FIXTURE(Dropping, "neither is what was written to after it was read, however little it shows") {
  const auto file = drop("b.zip", "old");
  struct stat before {};
  REQUIRE(::stat(file.path().c_str(), &before) == 0);
  dir.write("drop/b.zip", "new");  // of the same size, and with the times of before
  const timespec times[2]{before.st_atim, before.st_mtim};
  REQUIRE(::utimensat(AT_FDCWD, file.path().c_str(), times, 0) == 0);
  CHECK_FALSE(file.remove());
  CHECK(text_in(depot.drop() / "b.zip") == "new");
}

TEST_CASE_FIXTURE(Dropping, "a link or a folder that has the name by now stays as well") {
  const auto file = drop("b.zip", "old");
  fs::rename(depot.drop() / "b.zip", depot.drop() / "a.zip");
  fs::create_symlink("a.zip", depot.drop() / "b.zip");
  CHECK_FALSE(file.remove());
  fs::remove(depot.drop() / "b.zip");
  fs::create_directory(depot.drop() / "b.zip");
  CHECK_FALSE(file.remove());
  CHECK(names_in(depot.drop()) == Names{"a.zip", "b.zip"});
}

TEST_CASE_FIXTURE(Dropping,
                  "whichever sync the disk fails, the file lies in one place, and it is told where") {
  const auto lying_in = [](const fs::path& folder) {
    return fs::exists(folder) ? names_in(folder) : Names{};
  };
  const auto clear = [&] {
    for (const auto& folder : {depot.rejected(), depot.bundles(), depot.taken()}) fs::remove_all(folder);
  };
  // Each sync fails in its turn, until none is left to fail.
  const auto with_each = [&](auto act, auto check) {
    bool failed = true;
    for (int sync = 1; failed; ++sync) {
      CAPTURE(sync);
      clear();
      const auto file = drop("b.zip", "x");
      bool done = false;
      {
        test::NtfsRules rules;
        rules.fail_sync_at(sync);
        try {
          done = act(file);
        } catch (const std::system_error& error) {
          CHECK(error.code() == std::errc::io_error);
        }
        failed = rules.has_failed();
      }
      CHECK(lying_in(depot.drop()) == (done ? Names{} : Names{"b.zip"}));
      CHECK(nothing_is_taken());
      check(done);
      CHECK((done || failed));
    }
  };
  with_each([](const DroppedFile& file) { return file.reject("why").has_value(); },
            [&](bool done) {
              CHECK(lying_in(depot.rejected()) == (done ? Names{"b.zip", "b.zip.reason.txt"} : Names{}));
            });
  with_each([](const DroppedFile& file) { return file.keep(); },
            [&](bool done) { CHECK(lying_in(depot.bundles()) == (done ? Names{"b.zip"} : Names{})); });
  with_each([](const DroppedFile& file) { return file.remove(); }, [](bool) {});
}

TEST_CASE_FIXTURE(Dropping, "what a killed server had taken goes back, beside what has its name by now") {
  dir.write("state/taken/take-1/b.zip", "taken");
  dir.write("state/taken/take-2/free", "taken too");
  dir.write("drop/.taken/take-3/b.zip", "taken as well");
  dir.write("drop/b.zip", "newer");
  const auto held = storage::hold_drop(depot);
  CHECK(held);
  CHECK(text_in(depot.drop() / "b.zip") == "newer");
  CHECK(text_in(depot.drop() / "free") == "taken too");
  const Names both{text_in(depot.drop() / "b.2.zip"), text_in(depot.drop() / "b.3.zip")};
  CHECK(both == Names{"taken", "taken as well"});
  CHECK(nothing_is_taken());
}

TEST_CASE_FIXTURE(Dropping, "nothing is given back out of a place that somebody else put into drop/") {
  dir.write("images/EWC/17_9_4a/ap1g8", "image");
  dir.write("elsewhere/take-1/b.zip", "not taken");
  fs::create_symlink("../images/EWC", depot.drop() / ".taken");
  CHECK(storage::hold_drop(depot));
  fs::remove(depot.drop() / ".taken");
  fs::create_directory(depot.drop() / ".taken");
  fs::create_symlink("../../images/EWC/17_9_4a", depot.drop() / ".taken/take-2");
  fs::rename(dir / "elsewhere/take-1", depot.drop() / ".taken/take-1");
  fs::permissions(depot.drop() / ".taken/take-1", fs::perms::group_write, fs::perm_options::add);
  CHECK(storage::hold_drop(depot));
  CHECK(text_in(dir / "images/EWC/17_9_4a/ap1g8") == "image");
  CHECK(names_in(depot.drop()) == Names{".taken"});
}

TEST_CASE_FIXTURE(DroppingElsewhere,
                  "a drop/ on a file system of its own keeps what is taken, for a moment") {
  if (!is_other_disk) return;
  CHECK(drop("b.zip", "x").remove());
  CHECK(names_in(depot.drop()) == Names{".taken"});
  CHECK(fs::is_empty(depot.drop() / ".taken"));
  const auto file = drop("b.zip", "x");
  const std::ofstream writer(depot.drop() / "b.zip", std::ios::app);
  CHECK_FALSE(file.remove());
  CHECK(text_in(depot.drop() / "b.zip") == "x");
  CHECK(fs::is_empty(depot.drop() / ".taken"));
}

TEST_CASE_FIXTURE(DroppingElsewhere, "nothing is taken into a place that somebody else put into drop/") {
  if (!is_other_disk) return;
  const auto taken = depot.drop() / ".taken", release = depot.images() / "EWC/17_9_4a";
  fs::create_directories(release);
  fs::create_directory_symlink(release.parent_path(), taken);
  CHECK(why_not_removed("b.zip") ==
        taken.string() + " is a link, or another user's, or others may write in it: remove it");
  CHECK(names_in(release.parent_path()) == Names{"17_9_4a"});
  fs::remove(taken);
  fs::create_directory(taken);
  fs::permissions(taken, fs::perms::all);
  CHECK(why_not_removed("b.zip").ends_with(": remove it"));
  CHECK(text_in(depot.drop() / "b.zip") == "x");
  fs::permissions(taken, fs::perms::owner_all);
  CHECK(why_not_removed("b.zip").empty());
}

TEST_CASE_FIXTURE(Dropping, "what another server has taken stays with it") {
  auto other = storage::hold_drop(depot);
  REQUIRE(other);
  dir.write("state/taken/take-1/b.zip", "being imported");
  CHECK_FALSE(storage::hold_drop(depot));
  CHECK_FALSE(fs::exists(depot.drop() / "b.zip"));
  other.reset();
  CHECK(storage::hold_drop(depot));
  CHECK(text_in(depot.drop() / "b.zip") == "being imported");
}
