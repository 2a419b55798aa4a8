#include "storage/releases/changeover.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <optional>

#include "storage/files/file_changed.hpp"
#include "storage/files/folder.hpp"
#include "storage/files/root.hpp"
#include "storage/releases/publish.hpp"
#include "storage/releases/published.hpp"
#include "storage/releases/retire.hpp"
#include "tests/support/ntfs_rules.hpp"
#include "tests/support/temp_dir.hpp"

using storage::Current;
using storage::Path;
namespace fs = std::filesystem;

namespace {

const auto release = *Path::parse("/EWC/17_9_4a");
using Files = std::map<std::string, std::string>;
const Files old_files{{"ap1g4", "old four"}, {"ap1g7", "old"}, {"ap1g8", "old eight"}};
const Files new_files{{"ap1g4", "new four"}, {"ap1g6", "new"}, {"ap1g8", "new eight"}};

Files files_in(const fs::path& folder) {
  Files found;
  std::error_code none;
  storage::FolderReader reader(folder, none);
  while (const auto entry = reader.next()) {
    std::ifstream in(entry->path, std::ios::binary);
    found[entry->name] = {std::istreambuf_iterator<char>(in), {}};
  }
  return found;
}

std::string rest_of(const storage::File& file) {
  std::string text(64, '\0');
  const std::array pieces{std::as_writable_bytes(std::span(text))};
  text.resize(file.read(pieces, 0).value());
  return text;
}

struct Depot {
  test::TempDir dir;
  storage::Depot depot{dir.path()};

  Depot() { publish(old_files, storage::Replace::no); }

  void publish(const Files& files, storage::Replace replace) const {
    const storage::StagingArea staging(depot);
    storage::Manifest manifest;
    manifest.path = release.text();
    manifest.bundle = files == old_files ? "old.zip" : "new.zip";
    manifest.imported_at = "2026-11-20T11:10:23Z";
    for (const auto& [name, content] : files) {
      std::ofstream(staging.content() / name, std::ios::binary) << content;
      manifest.members.push_back(storage::digested(staging.content() / name));
    }
    std::vector<std::string> warnings;
    storage::publish_bundle(depot, staging.content(), manifest, replace, warnings);
  }
  void publish_single(const char* content, storage::Replace replace) const {
    const storage::StagingArea staging(depot);
    const auto staged = staging.content() / "single.tar";
    std::ofstream(staged, std::ios::binary) << content;
    storage::Manifest manifest;
    manifest.path = release.text();
    manifest.members = {storage::digested(staged)};
    manifest.origins = {{"single.tar", std::string(128, 'a'), std::string(32, 'b'), true}};
    std::vector<std::string> warnings;
    storage::publish_image(depot, staged, manifest, replace, warnings);
  }
  void replace() const { publish(new_files, storage::Replace::yes); }
  void retire() const { storage::retire(depot, release, Current::kept); }

  fs::path place() const { return storage::place_of(depot, release.text()); }
  Files served() const { return files_in(place()); }
  Files retired() const { return files_in(dir / "retired/EWC/17_9_4a"); }
  std::optional<storage::Manifest> record() const {
    return storage::load_manifest(storage::manifest_of(depot, release.text()));
  }
  std::string recorded() const {
    const auto found = record();
    return found ? found->bundle : "";
  }
  // Whether the manifest says just what is served.
  bool is_recorded() const {
    const auto found = record();
    return found && found->members == storage::published_members(place(), {});
  }
  storage::File open(const char* name) const {
    return storage::Root(depot.images()).open_file(release / name).value();
  }
  bool is_tidy() const { return !fs::exists(depot.changeover()) && storage::staging_areas(depot).empty(); }
};

struct AsNtfs : Depot {
  test::NtfsRules rules;
};

// The same steps, syncs and ends, on a file system that exchanges folders.
struct AsLinux : AsNtfs {
  AsLinux() { rules.fail_exchanges(0); }
};

// A bundle takes the place of another.
struct Replacing : AsLinux {
  static constexpr std::size_t singles = 0;
  void act() const { replace(); }
  static Files after() { return new_files; }
};

// A bundle comes to a single image, as by a normal import from drop/.
struct Joining : AsLinux {
  static constexpr std::size_t singles = 1;
  Joining() {
    retire();
    publish_single("single", storage::Replace::no);
  }
  void act() const { publish(new_files, storage::Replace::no); }
  static Files after() {
    auto files = new_files;
    files["single.tar"] = "single";
    return files;
  }
};

// Nothing lies where the bundle goes.
struct Fresh : AsLinux {
  static constexpr std::size_t singles = 0;
  Fresh() { retire(); }
  void act() const { publish(new_files, storage::Replace::no); }
  static Files after() { return new_files; }
};

// `act` in a process of its own, which dies at that step. False where it was done before.
template <class Act>
bool dies_at(int step, AsNtfs& depot, Act act) {
  const auto child = ::fork();
  if (child == 0) {
    depot.rules.die_at(step);
    try {
      act();
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE((WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == test::died));
  return WEXITSTATUS(status) == test::died;
}

bool is_one_of_both(const Files& files) {
  for (const auto& [name, content] : files) {
    const auto before = old_files.find(name), after = new_files.find(name);
    if ((before == old_files.end() || before->second != content) &&
        (after == new_files.end() || after->second != content))
      return false;
  }
  return true;
}

}  // namespace

TEST_CASE("the rules refuse what NTFS refuses") {
  const test::TempDir dir;
  const auto held = dir.write("held/file", "x"), other = dir.write("held/other", "x");
  test::NtfsRules rules;
  std::error_code error;
  {
    const std::ifstream open(other);
    fs::rename(dir / "held", dir / "moved", error);
    CHECK(error == std::errc::device_or_resource_busy);
  }
  rules.hold(held);
  fs::remove(held, error);
  CHECK(error == std::errc::device_or_resource_busy);
  fs::rename(held, held, error);
  CHECK(error == std::errc::device_or_resource_busy);
  fs::rename(other, held, error);
  CHECK(error == std::errc::device_or_resource_busy);
  fs::rename(other, dir / "held/FILE", error);
  CHECK(error == std::errc::file_exists);
  fs::create_symlink("held", dir / "link", error);
  CHECK(error == std::errc::operation_not_permitted);
  rules.let_go();
  fs::rename(dir / "held", dir / "moved", error);
  CHECK_FALSE(error);
}

TEST_CASE("a release that is in use is retired file by file, and its reader reads on") {
  const AsNtfs depot;
  const auto file = depot.open("ap1g8");

  depot.retire();

  CHECK_FALSE(fs::exists(depot.place()));
  CHECK(depot.retired() == old_files);
  CHECK(fs::exists(depot.dir / "retired/EWC/17_9_4a.yaml"));
  CHECK(depot.recorded().empty());
  CHECK(rest_of(file) == "old eight");
  CHECK(storage::expect_unchanged(file).has_value());
  CHECK(depot.is_tidy());
}

TEST_CASE("what lies in folders of the release goes with it") {
  const AsNtfs depot;
  depot.dir.write("images/EWC/17_9_4a/notes/today/read.me", "by hand");
  const std::ifstream open(depot.place() / "notes/today/read.me");

  depot.retire();

  CHECK_FALSE(fs::exists(depot.place()));
  CHECK(fs::exists(depot.dir / "retired/EWC/17_9_4a/notes/today/read.me"));
}

TEST_CASE("a release that is in use is replaced file by file, and its reader keeps the old one") {
  const AsNtfs depot;
  const auto file = depot.open("ap1g8");

  depot.replace();

  CHECK(depot.served() == new_files);
  CHECK(depot.recorded() == "new.zip");
  CHECK(rest_of(file) == "old eight");
  CHECK(storage::expect_unchanged(file).has_value());
  CHECK(depot.is_tidy());
}

TEST_CASE("a single image that is in use is replaced, and outlives a replacement of the bundle beside it") {
  const AsNtfs depot;
  depot.publish_single("first", storage::Replace::no);
  const auto file = depot.open("single.tar");
  depot.publish_single("single", storage::Replace::yes);
  CHECK(rest_of(file) == "first");
  CHECK(storage::expect_unchanged(file).has_value());

  depot.replace();

  auto both = new_files;
  both["single.tar"] = "single";
  CHECK(depot.served() == both);
}

TEST_CASE("where another program holds a file nothing changes, and the file is named") {
  AsNtfs depot;
  const auto reader = depot.open("ap1g4");
  depot.rules.hold(depot.place() / "ap1g8");
  for (const bool retiring : {true, false}) {
    try {
      retiring ? depot.retire() : depot.replace();
      FAIL("nothing was thrown");
    } catch (const std::system_error& error) {
      CHECK(error.code() == std::errc::device_or_resource_busy);
      CHECK(std::string(error.what()).find("17_9_4a/ap1g8 cannot be moved: close the program") !=
            std::string::npos);
    }
    CHECK(depot.served() == old_files);
    CHECK(depot.recorded() == "old.zip");
    CHECK(depot.is_tidy());
  }
  depot.rules.let_go();
  depot.retire();
  CHECK(depot.retired() == old_files);
}

TEST_CASE("a process that dies while it retires loses nothing, and the next one finishes") {
  for (int step = 1;; ++step) {
    CAPTURE(step);
    AsNtfs depot;
    const auto file = depot.open("ap1g8");
    const bool died = dies_at(step, depot, [&] { depot.retire(); });

    auto everywhere = depot.served();
    const bool begun = everywhere != old_files;
    for (const auto& [name, content] : depot.retired()) CHECK(everywhere.emplace(name, content).second);
    CHECK(everywhere == old_files);

    { const auto lock = storage::lock_releases(depot.depot); }
    if (depot.served().empty()) {
      CHECK_FALSE(fs::exists(depot.place()));
      CHECK(depot.retired() == old_files);
      CHECK(fs::exists(depot.dir / "retired/EWC/17_9_4a.yaml"));
      CHECK(depot.recorded().empty());
    } else {
      CHECK_FALSE(begun);
      CHECK(depot.served() == old_files);
      CHECK(depot.recorded() == "old.zip");
    }
    CHECK(depot.is_tidy());
    CHECK(rest_of(file) == "old eight");
    CHECK(storage::expect_unchanged(file).has_value());
    if (!died) break;
    REQUIRE(step < 100);
  }
}

TEST_CASE("a process that dies while it replaces leaves whole files, and the next one finishes") {
  for (int step = 1;; ++step) {
    CAPTURE(step);
    AsNtfs depot;
    const auto file = depot.open("ap1g8");
    const bool died = dies_at(step, depot, [&] { depot.replace(); });

    const auto meanwhile = depot.served();
    CHECK(is_one_of_both(meanwhile));
    for (const auto* in_both : {"ap1g4", "ap1g8"}) CHECK(meanwhile.contains(in_both));
    if (!depot.recorded().empty())
      CHECK(meanwhile == (depot.recorded() == "old.zip" ? old_files : new_files));

    { const auto lock = storage::lock_releases(depot.depot); }
    storage::sweep_staging(storage::staging_areas(depot.depot));
    if (meanwhile != old_files) CHECK(depot.served() == new_files);
    if (depot.served() == new_files) {
      CHECK(depot.recorded() == "new.zip");
    } else {
      CHECK(depot.served() == old_files);
      CHECK((depot.recorded() == "old.zip" || depot.recorded().empty()));
    }
    CHECK(depot.is_tidy());
    CHECK(rest_of(file) == "old eight");
    if (!died) break;
    REQUIRE(step < 100);
  }
}

TEST_CASE("a disk that fills in the middle loses nothing, and the change is made once there is room") {
  for (const bool retiring : {true, false}) {
    for (int step = 1;; ++step) {
      CAPTURE(retiring);
      CAPTURE(step);
      AsNtfs depot;
      const auto file = depot.open("ap1g8");
      depot.rules.fill_at(step);
      bool full = false;
      try {
        retiring ? depot.retire() : depot.replace();
      } catch (const std::system_error& error) {
        full = error.code() == std::errc::no_space_on_device;
        CHECK(full);
      }
      auto everywhere = depot.served();
      if (retiring)
        for (const auto& [name, content] : depot.retired()) everywhere.emplace(name, content);
      for (const auto* in_both : {"ap1g4", "ap1g8"}) CHECK(everywhere.contains(in_both));
      CHECK(is_one_of_both(everywhere));

      depot.rules.fill_at(0);
      { const auto lock = storage::lock_releases(depot.depot); }
      if (depot.served() == old_files) retiring ? depot.retire() : depot.replace();
      CHECK((retiring ? depot.retired() : depot.served()) == (retiring ? old_files : new_files));
      if (!full) break;
      REQUIRE(step < 100);
    }
  }
}

TEST_CASE("a release that cannot be exchanged for the new one keeps its files and its manifest") {
  AsNtfs depot;
  depot.rules.fail_exchanges(EXDEV);
  CHECK_THROWS_AS(depot.replace(), std::system_error);
  CHECK(depot.served() == old_files);
  CHECK(depot.recorded() == "old.zip");
}

TEST_CASE("a release that was retired already is not here any more") {
  const AsNtfs depot;
  depot.retire();
  CHECK_THROWS_AS(depot.retire(), storage::NotRetired);
}

// ---- Where folders are exchanged

namespace {

// After whatever broke off: the files from before or after, a manifest that fits them, and a next try that
// works.
template <class House>
void check_consistent(const House& depot, const Files& before) {
  const auto served = depot.served();
  CHECK((served == before || served == House::after()));
  if (!served.empty()) CHECK(depot.is_recorded());
}

template <class House>
void check_next_try(const House& depot) {
  CHECK_NOTHROW(depot.act());
  CHECK(depot.served() == House::after());
  CHECK(depot.recorded() == "new.zip");
  CHECK(depot.is_recorded());
  CHECK(storage::single_images(*depot.record()).size() == House::singles);
  storage::sweep_staging(storage::staging_areas(depot.depot));
  CHECK(depot.is_tidy());
}

template <class House>
void die_at_each_step() {
  for (int step = 1;; ++step) {
    CAPTURE(step);
    House depot;
    const auto before = depot.served();
    const bool died = dies_at(step, depot, [&] { depot.act(); });

    const auto meanwhile = depot.served();
    if (depot.record() && !meanwhile.empty()) CHECK(depot.is_recorded());
    { const auto lock = storage::lock_releases(depot.depot); }
    CHECK(depot.served() == meanwhile);
    check_consistent(depot, before);
    check_next_try(depot);
    if (!died) break;
    REQUIRE(step < 100);
  }
}

// `fail_at` orders the failure.
template <class House>
void fail_at_each(void (test::NtfsRules::*fail_at)(int)) {
  for (int step = 1;; ++step) {
    CAPTURE(step);
    House depot;
    const auto before = depot.served();
    (depot.rules.*fail_at)(step);
    try {
      depot.act();
    } catch (const std::system_error& error) {
      CHECK(error.code() == std::errc::io_error);
    }
    const bool failed = depot.rules.has_failed();
    (depot.rules.*fail_at)(0);
    check_consistent(depot, before);
    check_next_try(depot);
    if (!failed) break;
    REQUIRE(step < 100);
  }
}

template <class House>
void fill_from_each_step() {
  for (int step = 1;; ++step) {
    CAPTURE(step);
    House depot;
    const auto before = depot.served();
    depot.rules.fill_at(step);
    bool full = false;
    try {
      depot.act();
    } catch (const std::system_error& error) {
      full = error.code() == std::errc::no_space_on_device;
      CHECK(full);
    }
    depot.rules.fill_at(0);
    { const auto lock = storage::lock_releases(depot.depot); }
    check_consistent(depot, before);
    check_next_try(depot);
    if (!full) break;
    REQUIRE(step < 100);
  }
}

template <class House>
void break_off_everywhere() {
  SUBCASE("the process dies") { die_at_each_step<House>(); }
  SUBCASE("a step fails") { fail_at_each<House>(&test::NtfsRules::fail_at); }
  SUBCASE("a sync fails, often after a rename that took effect") {
    fail_at_each<House>(&test::NtfsRules::fail_sync_at);
  }
  SUBCASE("the disk is full from there on") { fill_from_each_step<House>(); }
}

}  // namespace

TEST_CASE("a replacement that breaks off anywhere leaves files that their manifest fits") {
  break_off_everywhere<Replacing>();
}

TEST_CASE("so does a bundle that joins a single image") { break_off_everywhere<Joining>(); }

TEST_CASE("so does a bundle where there was nothing") { break_off_everywhere<Fresh>(); }

TEST_CASE("files of the same sizes do not hide which release lies there") {
  AsLinux depot;
  const Files like_old{{"ap1g4", "OLD FOUR"}, {"ap1g7", "OLD"}, {"ap1g8", "OLD EIGHT"}};
  for (int step = 1; dies_at(step, depot, [&] { depot.publish(like_old, storage::Replace::yes); }); ++step) {
    CAPTURE(step);
    { const auto lock = storage::lock_releases(depot.depot); }
    CHECK(depot.is_recorded());
    storage::sweep_staging(storage::staging_areas(depot.depot));
    if (depot.served() == like_old) break;
  }
  CHECK(depot.served() == like_old);
}
