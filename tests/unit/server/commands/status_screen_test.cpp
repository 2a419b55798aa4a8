#include "server/commands/status_screen.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "server/text/escape.hpp"

using namespace server;

namespace {

constexpr auto status =
    R"({"version":"0.2.0","started_at":"2026-11-28T00:00:00Z","now":"2026-11-29T03:10:00Z",
"draining":false,"depot":"/srv/dépôt","transfers":{"running":2,"stalled":1},"sessions":1,"releases":null,
"since_start":{"whole":41,"broke_off":2,"misses":1}})";
constexpr auto transfers = R"({"items":[
{"id":1,"client":"172.16.5.38","path":"/EWC/17_9_4a/ap1g8","protocol":"tftp","user":null,"size":1000000,"bytes":250000,
"rate":50000,"left_s":15,"state":"moving","stalled_s":0,"block_size":1428,"window":16,"resent":0},
{"id":2,"client":"2001:db8:1:1::1234","path":"/EWC/17_9_4a/C9800-AP-iosxe-wlc.bin","protocol":"sftp","user":"ewc",
"size":null,"bytes":5,"rate":1,"left_s":null,"state":"stalled","stalled_s":75}]})";
constexpr auto recent = R"({"ended":[
{"at":"2026-11-29T03:00:00Z","client":"172.16.5.9","trouble":true,"text":"timeout"},
{"at":"2026-11-29T03:05:00Z","client":"172.16.5.9","trouble":false,"text":"sent"}],
"misses":[{"at":"2026-11-29T03:01:00Z","client":"172.16.4.26","cause":"WRONG_DIRECTORY",
"text":"/Wrong-Path does not exist; ap1g6 is in /EWC/17_9_4a: tftp-image-path /EWC/17_9_4a"}]})";

std::size_t columns(const std::string& line) {
  std::size_t count = 0;
  for (const char c : line) count += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("what needs somebody stands first, and the last troubles stand below with their fix whole") {
  const auto lines = status_lines(status_view(status, transfers, recent), {80, {}, true});
  REQUIRE(lines.size() == 9);
  CHECK(lines[0] == "apdepot 0.2.0  /srv/dépôt  up 1 d 3 h");
  CHECK(lines[1] == "2 transfers, 1 stalled, 50.0 kB/s; 1 session");
  CHECK(lines[2] == "since the start 41 whole, 2 broke off, 1 miss");
  CHECK(lines[4] == "!      ········ 2001:db8:1:1::~ C9800-AP-iosxe-w~  still 1:15       -");
  CHECK(lines[5] == "   25% ██······ 172.16.5.38     ap1g8               50.0 kB/s    0:15");
  CHECK(lines[7] ==
        "  03:01:00Z 172.16.4.26  WRONG_DIRECTORY: /Wrong-Path does not exist; ap1g6 is in /EWC/17_9_4a: "
        "tftp-image-path /EWC/17_9_4a");
  CHECK(lines[8] == "  03:00:00Z 172.16.5.9  timeout");
}

TEST_CASE("no row of transfers is wider than the screen, and a wide one has more columns") {
  const auto view = status_view(status, transfers, recent);
  for (const unsigned width : {80U, 132U, 200U}) {
    const auto lines = status_lines(view, {width, {}, true});
    for (std::size_t i = 0; i < 6; ++i) CHECK(columns(lines[i]) <= width);
  }
  CHECK(status_lines(view, {132, {}, true})[5].find("250 kB of 1.0 MB") != std::string::npos);
}

TEST_CASE("lines are cut to the screen between characters, however narrow it is") {
  constexpr auto foreign =
      R"({"items":[{"id":1,"client":"172.16.5.38","path":"/EWC/äöüäöüäöüäöüäöüäöüäöüäöüäöü.bin",
"protocol":"sftp","user":"jürgen-möller","size":1000000,"bytes":250000,"rate":50000,"left_s":15,"state":"moving"}]})";
  auto view = status_view(status, foreign, "{}");
  view.host = "gerät";
  view.imports = {{"bündel.zip", "unpacking", 50}};
  for (unsigned width = 2; width < 150; ++width) {
    CAPTURE(width);
    for (const auto& line : status_lines(view, {width, {}, true})) {
      CHECK(columns(line) <= width);
      const auto framed = "|" + line + "|";  // a blank at an end would be escaped
      CHECK(escaped(framed, whole) == framed);
    }
  }
  const auto lines = status_lines(view, {80, {}, true});
  CHECK(lines.back() == "   25% ██······ 172.16.5.38     äöüäöüäöüäöüäöüä~   50.0 kB/s    0:15");
  CHECK(status_lines(view, {12, {}, true}).back() == "   25% ██··~");
  CHECK(status_lines(view, {27, {}, true}).front() == "apdepot 0.2.0  gerät  /srv~");
}

TEST_CASE("a low screen shows as many transfers as fit, and says how many more there are") {
  const auto lines =
      status_lines(status_view(status, transfers, "{\"ended\":[],\"misses\":[]}"), {80, 6, false});
  REQUIRE(lines.size() == 6);
  CHECK(lines[4].find("[......]") != std::string::npos);
  CHECK(lines[5] == "  1 more");
}

TEST_CASE("what is wrong stands first with its fix whole, then imports and how far the release is") {
  const std::string busy =
      R"({"version":"0.2.0","started_at":"2026-11-29T03:00:00Z","now":"2026-11-29T03:10:00Z","depot":"/srv/depot",
"host":"images","transfers":{"running":0},"sessions":0,"since_start":{},"rollout":{"version":"17.9.4a","have":37,"of":52},
"verdict":[{"state":"fails","text":"2 devices got no image","fix":"tftp-image-path /EWC/17_9_4a"},
{"state":"look","text":"a","fix":""},{"state":"look","text":"b","fix":""},{"state":"look","text":"c","fix":""}],
"imports":{"running":[{"file":"a.zip","step":"unpacking and checking","percent":50},
{"file":"b.zip","step":"publishing","percent":null}],"rejected":1}})";
  const auto lines = status_lines(status_view(busy, "{\"items\":[]}", "{}"), {20, {}, false});
  REQUIRE(lines.size() == 10);
  CHECK(lines[1] == "! 2 devices got no ~");
  CHECK(lines[2] == "  fix: tftp-image-path /EWC/17_9_4a");
  CHECK(lines[5] == "  1 more: `apdepot status --json`");
  const auto wide = status_lines(status_view(busy, "{\"items\":[]}", "{}"), {80, {}, false});
  CHECK(wide[0] == "apdepot 0.2.0  images  /srv/depot  up 10 min");
  CHECK(wide[6] == "0 transfers; 0 sessions; 37 of 52 have 17.9.4a");
  CHECK(wide[8] == "importing a.zip: unpacking and checking, [###...] 50 %");
  CHECK(wide[9] == "importing b.zip: publishing");
}

TEST_CASE("a server that is well does not say so") {
  const auto view = status_view(
      R"({"version":"0.2.0","transfers":{},"since_start":{},"verdict":[{"state":"ok","text":"All is well"}]})",
      "{\"items\":[]}", "{}");
  CHECK(view.verdicts.empty());
  CHECK(status_lines(view, {}).size() == 3);
}

TEST_CASE("a server that has nothing to do says just that") {
  const auto lines = status_lines(
      status_view(R"({"version":"0.2.0","transfers":{},"since_start":{}})", "{\"items\":[]}", "{}"), {});
  CHECK(lines == std::vector<std::string>{"apdepot 0.2.0    up 0 min", "0 transfers; 0 sessions",
                                          "since the start 0 whole, 0 broke off, 0 misses"});
}

TEST_CASE("an answer that is not JSON is an error in words") {
  CHECK_THROWS_WITH_AS(status_view("[", "", ""), doctest::Contains("cannot be read"), std::runtime_error);
}

TEST_CASE("sizes, times and ages are short") {
  CHECK(size_text(999) == "999 B");
  CHECK(size_text(1000) == "1.0 kB");
  CHECK(size_text(999'949) == "1.0 MB");
  CHECK(size_text(301'257'756) == "301 MB");
  CHECK(rate_text(-1) == "0 B/s");
  CHECK(clock_text(59.6) == "1:00");
  CHECK(clock_text(3725) == "1:02:05");
  CHECK(age_text(59) == "0 min");
  CHECK(age_text(3720) == "1 h 2 min");
  CHECK(age_text(90'000) == "1 d 1 h");
}
