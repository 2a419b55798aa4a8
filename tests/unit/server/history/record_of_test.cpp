#include "server/history/record_of.hpp"

#include <doctest/doctest.h>

#include "server/events/all.hpp"
#include "server/events/event.hpp"
#include "server/events/warning.hpp"
#include "server/text/escape.hpp"
#include "storage/releases/imported.hpp"

using namespace server;
using namespace server::event;
using protocols::Cause;
namespace record = storage::record;

namespace {

constexpr std::int64_t now = 1'795'847'068'000;

template <class Kind>
Kind made(const Event& event) {
  const auto record = record_of(event, now);
  REQUIRE(record);
  REQUIRE(std::holds_alternative<Kind>(*record));
  return std::get<Kind>(*record);
}

}  // namespace

TEST_CASE("a transfer is kept with when it began, how far it came and why it ended") {
  TransferEnded ended{7, Protocol::tftp, "192.0.2.7", {}, "ap1g8", "/EWC/17_9_4a/ap1g8", false, 100, 60, 2.5,
                      {}};
  ended.how = {Cause::client_error, 3, "Disk\nfull"};
  ended.tftp = TftpDetails{512, 1, 3, 0};
  const auto kept = made<record::Transfer>(ended);
  CHECK(kept.ended == now);
  CHECK(kept.started == now - 2500);
  CHECK(kept.client == "192.0.2.7");
  CHECK(kept.protocol == "tftp");
  CHECK(kept.user.empty());
  CHECK(kept.file == "/EWC/17_9_4a/ap1g8");
  CHECK_FALSE(kept.upload);
  CHECK(kept.size == 100);
  CHECK(kept.bytes == 60);
  CHECK(kept.outcome == "broke_off");
  CHECK(kept.cause == "client_error");
  CHECK(kept.detail == "Disk\\nfull");
  CHECK(kept.resent == 3);
  ended.how = {};
  CHECK(made<record::Transfer>(ended).outcome == "whole");
}

TEST_CASE("what a client chose is escaped and bounded") {
  const std::string hostile = "\x1b[2J\n" + std::string(100'000, 'a');
  const auto fits = [](const std::string& text) {
    return text.size() <= most_of_client && text.starts_with("\\x1b[2J\\n");
  };
  storage::Miss why;
  why.what = hostile;
  const auto miss = made<record::Miss>(Missed{7, Protocol::sftp, "192.0.2.7", hostile, why});
  CHECK(fits(miss.asked));
  CHECK(miss.text.size() <= most_of_line);
  CHECK(miss.cause == "NOT_FOUND");
  CHECK(miss.protocol == "sftp");
  const auto login =
      made<record::Login>(LoginFailed{7, hostile, "192.0.2.7", 22, hostile, LoginFault::unknown_user});
  CHECK(fits(login.user));
  CHECK(fits(login.method));
  CHECK(login.outcome == "unknown_user");
  TransferEnded upload{7,  Protocol::scp, "192.0.2.7", "ewc", "a", "/uploads/" + hostile, true, {},
                       60, 2.5,           {}};
  upload.how.text = hostile;
  const auto transfer = made<record::Transfer>(upload);
  CHECK(transfer.file.size() <= most_of_client);
  CHECK(fits(transfer.detail));
  CHECK(transfer.upload);
}

TEST_CASE("logins and imports are kept") {
  CHECK(made<record::Login>(LoggedIn{7, "ewc", "192.0.2.7", 22, "password"}).outcome == "accepted");
  storage::Imported imported;
  imported.path = "/EWC/17_9_4a";
  const auto published = made<record::Import>(Published{"a.zip", imported, 2});
  CHECK(published.file == "a.zip");
  CHECK(published.outcome == "published");
  CHECK(published.detail == "/EWC/17_9_4a");
  imported.already_there = true;
  CHECK(made<record::Import>(Published{"a.zip", imported, 2}).outcome == "already there");
  CHECK(made<record::Import>(ImportRejected{"a.zip", "damaged", "rejected/a.zip"}).detail == "damaged");
  CHECK(made<record::Import>(ImportFailed{"a.zip", "disk"}).outcome == "failed");
  CHECK(made<record::Import>(Retired{"/EWC/a", "retired/EWC/a", 3}).outcome == "retired");
}

TEST_CASE("what administrators do is kept, in escaped form") {
  const auto act = made<record::Act>(Acted{"ma\nria", "promote", "/EWC/17_9_4a", "done"});
  CHECK(act.at == now);
  CHECK(act.who == "ma\\nria");
  CHECK(act.act == "promote");
  CHECK(act.subject == "/EWC/17_9_4a");
  CHECK(act.outcome == "done");
}

TEST_CASE("most events are not kept") {
  CHECK_FALSE(record_of(Warned{Warning::images, "x"}, now));
  CHECK_FALSE(record_of(Started{"1"}, now));
  CHECK_FALSE(record_of(TftpRequested{7, "192.0.2.7", "a", false, {}}, now));
}
