#include "server/files/file_transfers.hpp"

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <utility>
#include <vector>

#include "server/events/events.hpp"
#include "server/events/protocol.hpp"
#include "server/events/transfer.hpp"
#include "storage/files/file_changed.hpp"

using namespace server;
using namespace std::chrono_literals;
using protocols::Cause;
using protocols::EndedBy;

namespace {

struct Driven {
  FileTransfers::Time now{};
  Events events;
  Running running{events};
  int stops = 0;
  FileTransfers transfers;
  std::array<std::byte, 100> bytes{};
  std::map<std::uint32_t, std::uint64_t> at{};

  explicit Driven(event::Protocol protocol = event::Protocol::sftp, std::string root = "/")
      : transfers({protocol, 9, "192.0.2.7", "ewc", std::move(root)}, running, [this] { ++stops; }) {}

  std::optional<event::TransferEnded> done(const files::Operation& operation, const files::Answer& answer,
                                           const FileTransfers::Opened& opened = {}) {
    return transfers.done(operation, answer, opened, now);
  }
  void open(std::uint32_t handle, std::uint64_t size) {
    CHECK_FALSE(done(files::OpenToRead{handle, *storage::Path::parse("/ap1g8")}, files::Done{}, {{}, size}));
  }
  void read_at(std::uint32_t handle, std::uint64_t offset, std::size_t count) {
    CHECK_FALSE(done(files::ReadOpen{handle, offset, bytes}, count));
  }
  // From where it has come to.
  void read(std::uint32_t handle, std::size_t count) {
    read_at(handle, at[handle], count);
    at[handle] += count;
  }
  event::TransferEnded close(std::uint32_t handle, const files::Answer& answer = files::Done{}) {
    auto ended = done(files::CloseOpen{handle}, answer);
    REQUIRE(ended);
    return *ended;
  }
};

}  // namespace

TEST_CASE("a file that is read to its end and closed was sent, with all that is to be told of it") {
  Driven d(event::Protocol::sftp, "/EWC");
  CHECK_FALSE(
      d.done(files::OpenToRead{3, *storage::Path::parse("/AP1G8")}, files::Done{}, {"/17_9_4a/ap1g8", 150}));
  d.read(3, 100);
  d.read(3, 50);
  d.now += 2s;
  const auto ended = d.close(3);
  CHECK(ended.how.cause == Cause::complete);
  CHECK(ended.asked == "/AP1G8");
  CHECK(ended.name == "/EWC/17_9_4a/ap1g8");
  CHECK(ended.size == 150);
  CHECK(ended.bytes == 150);
  CHECK(ended.seconds == 2);
  CHECK(ended.user == "ewc");
  CHECK(ended.number == 9);
  CHECK_FALSE(d.done(files::CloseOpen{3}, files::Done{}));  // a folder's handle, by now
}

TEST_CASE("a file of which one half was read twice was read in part") {
  Driven d;
  d.open(3, 100);
  d.read_at(3, 0, 50);
  d.read_at(3, 0, 50);
  CHECK(d.close(3).how.cause == Cause::partly_read);
  d.open(3, 100);
  d.read_at(3, 50, 50);
  d.read_at(3, 0, 50);
  CHECK(d.close(3).how.cause == Cause::complete);
}

TEST_CASE("who closes before the end has read a part, and over SCP has broken off") {
  for (const auto& [protocol, cause] :
       {std::pair{event::Protocol::sftp, Cause::partly_read}, {event::Protocol::scp, Cause::client_error}}) {
    Driven d(protocol);
    d.open(0, 150);
    d.read(0, 100);
    CHECK(d.close(0).how.cause == cause);
  }
}

TEST_CASE("what failed is told when the file is closed, whatever the client does then") {
  Driven d;
  d.open(0, 150);
  d.done(files::ReadOpen{0, 100, d.bytes}, storage::file_changed_error());
  d.read(0, 100);
  d.read(0, 100);
  CHECK(d.close(0).how.cause == Cause::file_changed);
  d.open(0, 150);
  d.done(files::ReadOpen{0, 0, d.bytes}, std::make_error_code(std::errc::io_error));
  const auto ended = d.close(0);
  CHECK(ended.how.cause == Cause::unreadable);
  CHECK(ended.how.text == "Input/output error");
  CHECK(ended.how.by() == EndedBy::server);
}

TEST_CASE("an upload is received when it is closed without a failure, and else it is not") {
  Driven d;
  const files::CreateNew create{1, *storage::Path::parse("/uploads/new")};
  d.done(create, files::Done{});
  d.done(files::WriteOpen{1, 0, d.bytes}, files::Done{});
  auto ended = d.close(1);
  CHECK(ended.how.cause == Cause::complete);
  CHECK(ended.write);
  CHECK(ended.bytes == 100);
  d.done(create, files::Done{});
  CHECK(d.close(1, std::make_error_code(std::errc::no_space_on_device)).how.cause == Cause::unwritable);
  d.done(create, files::Done{});
  d.done(files::WriteOpen{1, 0, d.bytes}, std::make_error_code(std::errc::file_too_large));
  CHECK(d.done(files::AbandonFile{1}, files::Done{})->how.cause == Cause::too_large);
  d.done(create, files::Done{});
  CHECK(d.done(files::AbandonFile{1}, files::Done{})->how.cause == Cause::withdrawn);
}

TEST_CASE("what is open when the session ends ends with it, but for what was read whole") {
  Driven d;
  d.open(0, 150);
  d.open(1, 100);
  d.read(1, 100);
  d.done(files::CreateNew{2, *storage::Path::parse("/uploads/new")}, files::Done{});
  std::vector<event::TransferEnded> all;
  while (auto ended = d.transfers.end_next(Cause::connection_ended, "out of memory", d.now))
    all.push_back(std::move(*ended));
  REQUIRE(all.size() == 3);
  CHECK(all[0].how.cause == Cause::connection_ended);
  CHECK(all[0].how.text == "out of memory");
  CHECK(all[1].how.cause == Cause::complete);
  CHECK(all[2].how.cause == Cause::connection_ended);
  CHECK(d.running.rows().empty());
}

TEST_CASE("a file that could not be opened is no transfer, and another one may have its handle") {
  Driven d;
  const files::OpenToRead open{0, *storage::Path::parse("/ap1g8")};
  d.done(open, std::make_error_code(std::errc::no_such_file_or_directory));
  CHECK_FALSE(d.done(files::CloseOpen{0}, files::Done{}));
  d.open(0, 1);
  d.read(0, 1);
  d.close(0);
  d.open(0, 2);
  CHECK(d.close(0).bytes == 0);
}

TEST_CASE("what is open is among the running transfers, with how far it is") {
  Driven d;
  d.open(3, 150);
  d.open(4, 150);
  REQUIRE(d.running.rows().size() == 2);
  d.now += 1s;
  d.read(3, 100);
  d.read_at(3, 0, 100);
  const auto& row = d.running.rows().begin()->second;
  CHECK(row.began);
  CHECK(row.what.size == 150u);
  CHECK(row.moving->moved().bytes == 100);  // what was read twice is not more of the file
  CHECK(row.moving->moved().last == d.now);
  d.close(3);
  CHECK(d.running.rows().size() == 1);
  CHECK(d.transfers.end_next(Cause::disconnected, {}, d.now));
  CHECK(d.running.rows().empty());
}

TEST_CASE("an administrator stops the session of a transfer") {
  Driven d;
  d.open(3, 150);
  CHECK(d.running.stop(d.running.rows().begin()->first));
  CHECK(d.stops == 1);
}
