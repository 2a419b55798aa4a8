#include "server/text/history_json.hpp"

#include <doctest/doctest.h>

#include <string>

#include "server/text/escape.hpp"
#include "server/text/json_reader.hpp"

using namespace server;
namespace record = storage::record;

namespace {

constexpr std::int64_t now = 1'795'847'068'000;  // 2026-11-28T06:24:28Z

record::Transfer transfer() {
  record::Transfer made;
  made.started = now - 2'500, made.ended = now;
  made.client = "192.0.2.7", made.protocol = "sftp", made.user = "ewc", made.file = "/EWC/17_9_4a/ap1g8";
  made.size = 100, made.bytes = 60;
  made.outcome = "broke_off", made.cause = "client_error", made.detail = "Disk full";
  made.resent = 3;
  return made;
}

}  // namespace

TEST_CASE("a transfer has all its members, each under its own name") {
  CHECK(
      json_of(transfer()) ==
      R"({"ended_at":"2026-11-28T06:24:28Z","started_at":"2026-11-28T06:24:25Z","client":"192.0.2.7",)"
      R"("protocol":"sftp","user":"ewc","direction":"read","path":"/EWC/17_9_4a/ap1g8","size":100,"bytes":60,)"
      R"("seconds":2.5,"outcome":"broke_off","cause":"client_error","detail":"Disk full","resent":3})");
}

TEST_CASE("what is not known of a transfer is null, and what is nothing is 0") {
  auto upload = transfer();
  upload.upload = true;
  upload.started = now;
  upload.user = upload.detail = "";
  upload.size = {}, upload.resent = {}, upload.bytes = 0;
  CHECK(
      json_of(upload) ==
      R"({"ended_at":"2026-11-28T06:24:28Z","started_at":"2026-11-28T06:24:28Z","client":"192.0.2.7",)"
      R"("protocol":"sftp","user":null,"direction":"write","path":"/EWC/17_9_4a/ap1g8","size":null,"bytes":0,)"
      R"("seconds":0,"outcome":"broke_off","cause":"client_error","detail":null,"resent":null})");
  upload.size = upload.resent = 0;
  const auto empty = read_object(json_of(upload), "it");
  CHECK(member<std::uint64_t>(empty, "size") == 0U);
  CHECK(member<std::uint64_t>(empty, "resent") == 0U);
}

TEST_CASE("bytes and times of large files stay exact") {
  auto large = transfer();
  large.started = now - 86'400'001;
  large.size = large.bytes = 18'446'744'073'709'551'615U;
  const auto node = read_object(json_of(large), "it");
  CHECK(member<std::uint64_t>(node, "size") == large.size);
  CHECK(member<std::uint64_t>(node, "bytes") == large.bytes);
  CHECK(member<double>(node, "seconds") == 86'400.001);
}

TEST_CASE("the other rows have their members, and null for what nobody said") {
  CHECK(json_of(record::Holding{"192.0.2.7", "/EWC/17_9_4a/ap1g8", now - 1'000, now, 4}) ==
        R"({"client":"192.0.2.7","path":"/EWC/17_9_4a/ap1g8","first_at":"2026-11-28T06:24:27Z",)"
        R"("last_at":"2026-11-28T06:24:28Z","times":4})");
  record::Miss miss;
  miss.first_at = now - 60'000, miss.last_at = now, miss.count = 12;
  miss.client = "2001:db8::7", miss.protocol = "tftp", miss.cause = "NOT_FOUND", miss.asked = "/a";
  CHECK(json_of(miss) ==
        R"({"last_at":"2026-11-28T06:24:28Z","first_at":"2026-11-28T06:23:28Z","count":12,)"
        R"("client":"2001:db8::7","protocol":"tftp","cause":"NOT_FOUND","asked":"/a","text":null})");
  record::Login login;
  login.at = now, login.count = 2, login.client = "192.0.2.7", login.method = "password";
  login.outcome = "unknown_user";
  CHECK(json_of(login) ==
        R"({"at":"2026-11-28T06:24:28Z","count":2,"client":"192.0.2.7","user":null,"method":"password",)"
        R"("outcome":"unknown_user"})");
  record::Import done;
  done.at = now, done.file = "a.zip", done.outcome = "rejected", done.detail = "it is cut";
  CHECK(json_of(done) ==
        R"({"at":"2026-11-28T06:24:28Z","file":"a.zip","outcome":"rejected","detail":"it is cut"})");
  record::Act act;
  act.at = now, act.who = "maria", act.act = "promote", act.subject = "/EWC/17_9_4a", act.outcome = "done";
  CHECK(
      json_of(act) ==
      R"({"at":"2026-11-28T06:24:28Z","who":"maria","act":"promote","subject":"/EWC/17_9_4a","outcome":"done"})");
}

TEST_CASE("a hostile text comes out as the history has it, and forges no member") {
  for (const auto* hostile : {R"(a","outcome":"whole)", "back\\slash\\\"", "\x1b[2J\n\t", "\xff\xc0",
                              "\u202e\u2028", "caf\xc3\xa9"}) {
    const auto kept = escaped(hostile);
    CAPTURE(kept);
    auto made = transfer();
    made.client = made.user = made.file = made.detail = kept;
    const auto node = read_object(json_of(made), "it");
    CHECK(node.size() == 14);
    for (const auto* key : {"client", "user", "path", "detail"})
      CHECK(member<std::string>(node, key) == kept);
    CHECK(member<std::string>(node, "outcome") == "broke_off");
  }
}
