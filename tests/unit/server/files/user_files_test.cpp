#include "server/files/user_files.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "conf/load.hpp"
#include "server/files/library.hpp"
#include "server/loop/workers.hpp"
#include "storage/depot/upload_error.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;

namespace {

constexpr std::uint32_t handle = 0;
constexpr std::size_t page = 4096;

conf::Settings settings_with(const std::filesystem::path& depot) {
  auto settings = conf::load_defaults().settings;
  settings.depot = depot;
  return settings;
}

storage::Path path(std::string_view text) { return storage::Path::parse(text).value(); }

// One user's session; its operations are performed here, on one thread.
struct House {
  test::TempDir directory;
  conf::Settings settings = settings_with(directory.path());
  Library library{settings.depot, settings.uploads};
  net::io_context loop;
  Workers closing{loop, 1};
  std::unique_ptr<UserFiles> files;

  explicit House(bool uploads = false, std::string_view root = "/") {
    std::filesystem::create_directories(directory / "images/EWC/17_9_4a");
    directory.write("images/EWC/17_9_4a/ap1g8", std::string(3 * page, 'x'));
    std::optional<UserFiles::Uploads> may;
    if (uploads) may.emplace(storage::Sender{library.uploads, "sftp:ewc"}, 1 << 20);
    auto folder = storage::Root::open(library.depot.images()).value().subroot(path(root)).value();
    if (uploads) REQUIRE(storage::uploads_below(folder));
    files = std::make_unique<UserFiles>(UserFiles::Images{path(root), std::move(folder), library.catalogue},
                                        std::move(may), closing, nullptr);
  }
  ~House() {
    files.reset();
    work_off();
  }

  void work_off() {
    const auto guard = net::make_work_guard(loop);
    while (closing.busy() > 0) loop.run_one();
  }
  UserFiles::Outcome perform(const files::Operation& operation) const { return files->perform(operation); }
  std::error_code error(const files::Operation& operation) const {
    const auto answer = perform(operation).answer;
    const auto* error = std::get_if<std::error_code>(&answer);
    return error ? *error : std::error_code{};
  }
};

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace

TEST_CASE("a file is opened, read and closed, with its size for whoever reports it") {
  const House house;
  CHECK(house.perform(files::OpenToRead{handle, path("/EWC/17_9_4a/ap1g8")}).size == 3 * page);
  std::vector<std::byte> into(page);
  CHECK(std::get<std::size_t>(house.perform(files::ReadOpen{handle, 0, into}).answer) == page);
  CHECK(into[0] == std::byte{'x'});
  CHECK(std::get<std::size_t>(house.perform(files::ReadOpen{handle, 3 * page, into}).answer) == 0);
  CHECK_FALSE(house.error(files::CloseOpen{handle}));
  CHECK(house.error(files::ReadOpen{handle, 0, into}) == std::errc::bad_file_descriptor);
}

TEST_CASE("only what moves a file's bytes waits in the lane of files' bytes") {
  const House house(true);
  std::vector<std::byte> into(page);
  house.perform(files::OpenToRead{0, path("/EWC/17_9_4a/ap1g8")});
  house.perform(files::CreateNew{1, path("/uploads/new")});
  CHECK(house.files->moves_bytes(files::ReadOpen{0, 0, into}));
  CHECK_FALSE(house.files->moves_bytes(files::ReadOpen{0, 2 * page, into}));  // the end, and in memory
  CHECK_FALSE(house.files->moves_bytes(files::CloseOpen{0}));                 // nothing of it is synced
  CHECK(house.files->moves_bytes(files::CloseOpen{1}));
  CHECK(house.files->moves_bytes(files::WriteOpen{1, 0, bytes("x")}));
  CHECK(house.files->moves_bytes(files::SyncFile{1}));
  CHECK(house.files->moves_bytes(files::CopyData{0, 0, 1, 0, page}));
  CHECK_FALSE(house.files->moves_bytes(files::Examine{path("/EWC"), storage::Links::follow}));
}

TEST_CASE("only what changes the disk has to share its workers") {
  const House house(true);
  std::vector<std::byte> into(page);
  house.perform(files::OpenToRead{0, path("/EWC/17_9_4a/ap1g8")});
  house.perform(files::CreateNew{1, path("/uploads/new")});
  CHECK(house.files->changes(files::CreateNew{2, path("/uploads/other")}));
  CHECK(house.files->changes(files::WriteOpen{1, 0, bytes("x")}));
  CHECK(house.files->changes(files::CopyData{0, 0, 1, 0, page}));
  CHECK(house.files->changes(files::SyncFile{1}));
  CHECK(house.files->changes(files::CloseOpen{1}));
  CHECK(house.files->changes(files::MakeDirectory{path("/uploads/folder")}));
  CHECK_FALSE(house.files->changes(files::ReadOpen{0, 0, into}));
  CHECK_FALSE(house.files->changes(files::CloseOpen{0}));
  CHECK_FALSE(house.files->changes(files::Examine{path("/EWC"), storage::Links::follow}));
}

TEST_CASE("a read that memory answers only in part waits for the whole") {
  const House house;
  const auto file = house.directory / "images/EWC/17_9_4a/ap1g8";
  const int opened = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  ::fsync(opened);
  ::posix_fadvise(opened, page, page, POSIX_FADV_DONTNEED);  // the second of three pages
  ::close(opened);
  house.perform(files::OpenToRead{handle, path("/EWC/17_9_4a/ap1g8")});
  std::vector<std::byte> into(2 * page);
  const auto now = house.files->try_now(files::ReadOpen{handle, 0, into});
  CHECK((!now || std::get<std::size_t>(*now) == 2 * page));
  CHECK(std::get<std::size_t>(house.perform(files::ReadOpen{handle, 0, into}).answer) == 2 * page);
}

TEST_CASE("a file that changed is not said to be whole at its end") {
  const House house;
  house.perform(files::OpenToRead{handle, path("/EWC/17_9_4a/ap1g8")});
  std::vector<std::byte> into(page);
  CHECK_FALSE(house.error(files::ReadOpen{handle, 0, into}));
  house.directory.write("images/EWC/17_9_4a/ap1g8", std::string(3 * page + 1, 'y'));
  CHECK(house.error(files::ReadOpen{handle, 2 * page, into}));
}

TEST_CASE("who may only read changes nothing, not even below uploads") {
  const House house;
  CHECK(house.error(files::CreateNew{handle, path("/uploads/new")}) == storage::UploadError::outside);
  CHECK(house.error(files::MakeDirectory{path("/uploads/new")}) == storage::UploadError::outside);
  CHECK(house.error(files::RemoveFile{path("/EWC/17_9_4a/ap1g8")}) == storage::UploadError::others);
  CHECK(std::filesystem::exists(house.directory / "images/EWC/17_9_4a/ap1g8"));
}

TEST_CASE("an upload appears when it is closed, whole, and nothing takes its place") {
  const House house(true);
  CHECK_FALSE(house.error(files::CreateNew{handle, path("/uploads/new")}));
  CHECK_FALSE(house.error(files::WriteOpen{handle, 0, bytes("content")}));
  CHECK_FALSE(std::filesystem::exists(house.directory / "images/uploads/new"));
  CHECK_FALSE(house.error(files::Examine{path("/uploads/new"), storage::Links::follow}));  // its client looks
  CHECK_FALSE(house.error(files::CloseOpen{handle}));
  CHECK(std::filesystem::file_size(house.directory / "images/uploads/new") == 7);
  const auto again = house.perform(files::CreateNew{handle, path("/uploads/new")});
  CHECK(std::get<std::error_code>(again.answer) == std::errc::file_exists);
  CHECK(again.unwritten);
  CHECK(again.missing == path("/uploads/new"));
}

TEST_CASE("an upload that is left open, abandoned or too large leaves nothing") {
  std::filesystem::path uploads;
  House house(true);
  uploads = house.directory / "images/uploads";
  CHECK_FALSE(house.error(files::CreateNew{0, path("/uploads/left")}));
  CHECK_FALSE(house.error(files::CreateNew{1, path("/uploads/abandoned")}));
  CHECK_FALSE(house.error(files::AbandonFile{1}));
  CHECK_FALSE(house.error(files::CreateNew{2, path("/uploads/large")}));
  CHECK(house.error(files::WriteOpen{2, 1 << 20, bytes("x")}) == std::errc::file_too_large);
  CHECK(house.error(files::CloseOpen{2}) == std::errc::file_too_large);
  house.files.reset();
  house.work_off();
  CHECK(std::filesystem::is_empty(uploads));
  CHECK(std::filesystem::is_empty(house.library.depot.staging()));
}

TEST_CASE("a user whose root is a folder sees nothing above it, and no alias") {
  House house(false, "/EWC");
  CHECK_FALSE(house.error(files::Examine{path("/17_9_4a/ap1g8"), storage::Links::follow}));
  CHECK(house.error(files::Examine{path("/EWC"), storage::Links::follow}) ==
        std::errc::no_such_file_or_directory);
  storage::LookupSettings lookup;
  const files::Operation open = files::OpenToRead{handle, path("/Wrong-Path/17.9.4a/ap1g8")};
  const auto meant = house.files->perform_as_meant(open, lookup);
  REQUIRE(meant);
  REQUIRE(meant->meant);
  CHECK(meant->meant->path == path("/17_9_4a/ap1g8"));
  CHECK(house.files
            ->explain(path("/Wrong-Path/ap1g8"), std::make_error_code(std::errc::no_such_file_or_directory),
                      lookup)
            .hint == "ap1g8 is in /17_9_4a");
}
