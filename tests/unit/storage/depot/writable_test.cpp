#include "storage/depot/writable.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "storage/depot/count_uploads.hpp"
#include "storage/depot/depot.hpp"
#include "storage/depot/upload_error.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
using storage::Path;
using storage::Root;
using storage::UploadError;
using storage::Writable;

namespace {

Path path(std::string_view text) { return Path::parse(text).value(); }

// images/uploads is writable; what lies beside it is not, and links try to lead there.
struct Site {
  test::TempDir dir;
  fs::path images = dir / "images", uploads = images / "uploads";
  storage::Depot depot{dir.path()};
  mutable storage::UploadAccount account{depot, {1000, 100, 100, 1}, std::chrono::steady_clock::now};
  Site() {
    dir.write("images/EWC/image", "image");
    dir.write("images/uploads/file", "mine");
    fs::create_directory(uploads / "folder");
    send("file");
    send("folder");
    fs::create_directory_symlink("folder", uploads / "inside");
    fs::create_directory_symlink("../EWC", uploads / "up");
    fs::create_directory_symlink(images / "EWC", uploads / "absolute");
    fs::create_symlink("../EWC/image", uploads / "image");
    fs::create_symlink("nowhere", uploads / "dangling");
    ::mkfifo((uploads / "fifo").c_str(), 0644);
  }
  Writable writable(Root::Resolver resolver = Root::Resolver::automatic) const {
    return of("sftp:ewc", resolver);
  }
  Writable of(const std::string& sender, Root::Resolver resolver = Root::Resolver::automatic) const {
    return {Root(uploads, resolver), {account, sender}};
  }
  // As if `sender` had sent what lies there.
  void send(const std::string& name, std::string_view sender = "sftp:ewc") const {
    const storage::Handle handle(::open((uploads / name).c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE_FALSE(storage::record_sender(handle.get(), sender));
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
  site.send("folder/full", "sftp:ewc");
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
  CHECK(site.writable().remove_file(path("/image")).error() == UploadError::others);  // nobody sent the link
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
  dir.write("images/site-7/uploads/kept", "");
  CHECK(storage::uploads_below(user)->attributes(path("/kept")));

  fs::remove_all(dir / "images/site-7/uploads");
  fs::create_directory_symlink("../..", dir / "images/site-7/uploads");
  CHECK(storage::uploads_below(user)->attributes(path("/uploads"), storage::Links::keep)->kind ==
        storage::Kind::link);  // ".." above the root is the root
  fs::remove(dir / "images/site-7/uploads");
  dir.write("images/site-7/uploads", "");
  CHECK(storage::uploads_below(user).error() == std::errc::not_a_directory);
}

TEST_CASE("what the administrator, a device or another user made stays as it is") {
  const Site site;
  site.dir.write("images/uploads/admins", "");
  site.dir.write("images/uploads/devices", "");
  site.dir.write("images/uploads/mallorys", "");
  fs::create_directory(site.uploads / "admins-folder");
  fs::create_directory(site.uploads / "mallorys-folder");
  site.send("devices", "tftp:192.0.2.7");
  site.send("mallorys", "sftp:mallory");
  site.send("mallorys-folder", "sftp:mallory");
  const auto writable = site.writable();
  for (const auto name : {"/admins", "/devices", "/mallorys", "/dangling", "/inside", "/fifo",
                          "/admins-folder", "/mallorys-folder"}) {
    CAPTURE(name);
    CHECK(writable.remove_file(path(name)).error() == UploadError::others);
    CHECK(writable.remove_directory(path(name)).error() == UploadError::others);
    CHECK(writable.rename(path(name), path("/new")).error() == UploadError::others);
    CHECK(fs::symlink_status(site.uploads / std::string(name).substr(1)).type() != fs::file_type::not_found);
  }
  for (const auto name : {"/admins", "/devices", "/mallorys", "/admins-folder", "/mallorys-folder", "/"}) {
    CAPTURE(name);
    CHECK(writable.set_times(path(name), {5, 6}).error() == UploadError::others);
    CHECK(writable.expect_own(path(name)).error() == UploadError::others);
  }
  CHECK(writable.expect_own(path("/file")));
  CHECK(writable.expect_own(path("/no")).error() == std::errc::no_such_file_or_directory);
  CHECK(site.of("sftp:mallory").remove_file(path("/mallorys")));
  CHECK(site.of("sftp:mallory").remove_directory(path("/mallorys-folder")));
  CHECK(fs::is_empty(site.depot.staging()));
}

TEST_CASE("a folder is renamed only with all that is in it from one sender") {
  const Site site;
  const auto writable = site.writable();
  REQUIRE(writable.make_directory(path("/folder/deep")));
  site.dir.write("images/uploads/folder/deep/theirs", "");
  CHECK(writable.rename(path("/folder"), path("/new")).error() == UploadError::others);
  site.send("folder/deep/theirs", "sftp:ewc");
  CHECK(writable.rename(path("/folder"), path("/new")));
}

TEST_CASE("folders are not nested without end, however they get there") {
  const Site site;
  const auto writable = site.writable();
  Path deepest, other;
  for (std::size_t level = 0; level < storage::deepest_upload; ++level) {
    deepest = deepest / "d";
    REQUIRE(writable.make_directory(deepest));
  }
  CHECK(writable.make_directory(deepest / "d").error() == UploadError::depth);
  REQUIRE(writable.make_directory(path("/a")));
  REQUIRE(writable.make_directory(path("/a/b")));
  CHECK(writable.rename(path("/a"), deepest / "a").error() == UploadError::depth);
  CHECK(writable.rename(path("/a"), deepest.parent() / "a").error() == UploadError::depth);
  CHECK(writable.rename(path("/a"), deepest.parent().parent() / "a"));
  CHECK(writable.rename(path("/file"), deepest / "file"));
}

TEST_CASE("folders and removals are accounted for") {
  const Site site;
  const auto writable = site.writable();
  const auto there = storage::count_uploads(site.images);
  const auto one_more = static_cast<std::uint32_t>(there.folders + 1);
  site.account.bound_by({there.bytes, static_cast<std::uint32_t>(there.files), one_more, 1});
  REQUIRE(writable.make_directory(path("/new")));
  CHECK(writable.make_directory(path("/more")).error() == UploadError::folders);
  CHECK(writable.make_directory(path("/new")).error() == std::errc::file_exists);
  REQUIRE(writable.remove_directory(path("/new")));
  CHECK(writable.make_directory(path("/no/new")).error() == std::errc::no_such_file_or_directory);
  CHECK(writable.make_directory(path("/more")));
  CHECK(site.account.begin_file({}).error() == UploadError::files);
  REQUIRE(writable.remove_file(path("/file")));
  auto file = site.account.begin_file(4);
  REQUIRE(file);
  CHECK_FALSE(file->resize(4));
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
