#include "storage/writable.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
using storage::Path;
using storage::Root;
using storage::Writable;

namespace {

Path path(std::string_view text) { return Path::parse(text).value(); }

// images/uploads is writable; what lies beside it is not, and links try to lead there.
struct Site {
  test::TempDir dir;
  fs::path images = dir / "images", uploads = images / "uploads";
  Site() {
    dir.write("images/EWC/image", "image");
    dir.write("images/uploads/file", "mine");
    fs::create_directory(uploads / "folder");
    fs::create_directory_symlink("folder", uploads / "inside");
    fs::create_directory_symlink("../EWC", uploads / "up");
    fs::create_directory_symlink(images / "EWC", uploads / "absolute");
    fs::create_symlink("../EWC/image", uploads / "image");
    fs::create_symlink("nowhere", uploads / "dangling");
    ::mkfifo((uploads / "fifo").c_str(), 0644);
  }
  Writable writable(Root::Resolver resolver = Root::Resolver::automatic) const {
    return Writable(Root(uploads, resolver));
  }
};

std::int64_t modified(const fs::path& file) {
  struct stat status {};
  REQUIRE(::lstat(file.c_str(), &status) == 0);
  return status.st_mtim.tv_sec;
}

}  // namespace

TEST_CASE("folders and files are made, renamed and removed") {
  const Site site;
  const auto writable = site.writable();
  const auto umask_before = ::umask(0077);
  const bool made = writable.make_directory(path("/new")).has_value();
  ::umask(umask_before);
  REQUIRE(made);
  CHECK(fs::status(site.uploads / "new").permissions() == fs::perms(0755));
  CHECK(writable.rename(path("/file"), path("/new/file")));
  CHECK(fs::exists(site.uploads / "new/file"));
  CHECK(writable.rename(path("/new"), path("/inside/moved")));  // by way of a link that stays inside
  CHECK(fs::exists(site.uploads / "folder/moved/file"));
  CHECK(writable.remove_file(path("/folder/moved/file")));
  CHECK(writable.remove_directory(path("/folder/moved")));
  CHECK(fs::is_empty(site.uploads / "folder"));
}

TEST_CASE("nothing is replaced, and the errors are the system's") {
  using enum std::errc;
  const Site site;
  const auto writable = site.writable();
  for (const auto there : {"/file", "/folder", "/inside", "/dangling", "/fifo"}) {
    CAPTURE(there);
    CHECK(writable.make_directory(path(there)).error() == file_exists);
    CHECK(writable.rename(path("/file"), path(there)).error() == file_exists);
    CHECK(writable.rename(path("/folder"), path(there)).error() == file_exists);
  }
  CHECK(writable.make_directory(path("/no/new")).error() == no_such_file_or_directory);
  CHECK(writable.make_directory(path("/file/new")).error() == not_a_directory);
  CHECK(writable.rename(path("/no"), path("/new")).error() == no_such_file_or_directory);
  CHECK(writable.rename(path("/folder"), path("/folder/below")).error() == invalid_argument);
  CHECK(writable.remove_file(path("/folder")).error() == is_a_directory);
  CHECK(writable.remove_file(path("/no")).error() == no_such_file_or_directory);
  CHECK(writable.remove_directory(path("/file")).error() == not_a_directory);
  site.dir.write("images/uploads/folder/full", "");
  CHECK(writable.remove_directory(path("/folder")).error() == directory_not_empty);
}

TEST_CASE("the folder itself stays") {
  const Site site;
  const auto writable = site.writable();
  CHECK(writable.make_directory(Path{}).error() == std::errc::file_exists);
  CHECK(writable.remove_directory(Path{}).error() == std::errc::operation_not_permitted);
  CHECK(writable.remove_file(Path{}).error() == std::errc::operation_not_permitted);
  CHECK(writable.rename(Path{}, path("/new")).error() == std::errc::operation_not_permitted);
  CHECK(writable.rename(path("/file"), Path{}).error() == std::errc::operation_not_permitted);
}

TEST_CASE("no link leads out") {
  using enum std::errc;
  const Site site;
  for (const auto resolver : {Root::Resolver::automatic, Root::Resolver::components}) {
    CAPTURE(static_cast<int>(resolver));
    const auto writable = site.writable(resolver);
    for (const std::string by : {"/up", "/absolute"}) {
      CAPTURE(by);
      CHECK(writable.make_directory(path(by + "/new")).error() == no_such_file_or_directory);
      CHECK(writable.remove_file(path(by + "/image")).error() == no_such_file_or_directory);
      CHECK(writable.rename(path(by + "/image"), path("/new")).error() == no_such_file_or_directory);
      CHECK(writable.rename(path("/file"), path(by + "/new")).error() == no_such_file_or_directory);
      CHECK(writable.set_times(path(by + "/image"), {1, 2}).error() == no_such_file_or_directory);
    }
    CHECK(writable.set_times(path("/image"), {1, 2}).error() == no_such_file_or_directory);
  }
  CHECK(site.writable().remove_file(path("/image")));  // the link, and not what it leads to
  CHECK(fs::exists(site.images / "EWC/image"));
  CHECK(modified(site.images / "EWC/image") > 2);
}

TEST_CASE("times of files and folders, and of nothing else") {
  const Site site;
  const auto writable = site.writable();
  CHECK(writable.set_times(path("/file"), {1'000'000'000, 1'600'000'000}));
  CHECK(modified(site.uploads / "file") == 1'600'000'000);
  CHECK(writable.root().attributes(path("/file"))->accessed == 1'000'000'000);
  CHECK(writable.set_times(path("/inside"), {5, 6}));
  CHECK(modified(site.uploads / "folder") == 6);
  CHECK(writable.set_times(path("/fifo"), {5, 6}).error() == std::errc::operation_not_permitted);
  CHECK(writable.set_times(path("/no"), {5, 6}).error() == std::errc::no_such_file_or_directory);
}

TEST_CASE("a user's uploads are made once, below that user's root") {
  const test::TempDir dir;
  fs::create_directories(dir / "images/site-7");
  const auto user = Root(dir / "images").subroot(path("/site-7")).value();
  REQUIRE(storage::uploads_below(user));
  CHECK(fs::is_directory(dir / "images/site-7/uploads"));
  REQUIRE(storage::uploads_below(user)->make_directory(path("/new")));
  CHECK(fs::is_directory(dir / "images/site-7/uploads/new"));

  fs::remove_all(dir / "images/site-7/uploads");
  fs::create_directory_symlink("../..", dir / "images/site-7/uploads");
  CHECK(storage::uploads_below(user)->make_directory(path("/new")));  // ".." above the root is the root
  CHECK(fs::is_directory(dir / "images/site-7/new"));
  fs::remove(dir / "images/site-7/uploads");
  dir.write("images/site-7/uploads", "");
  CHECK(storage::uploads_below(user).error() == std::errc::not_a_directory);
}

TEST_CASE("the space of a file system") {
  const Site site;
  const auto space = Root(site.images).space(path("/uploads")).value();
  CHECK(space.block > 0);
  CHECK(space.total >= space.free);
  CHECK(space.free >= space.available);
  CHECK(space.name_length == 255);
  CHECK(Root(site.images).space(path("/no")).error() == std::errc::no_such_file_or_directory);
}
