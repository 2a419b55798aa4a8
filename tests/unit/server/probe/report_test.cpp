#include "server/probe/report.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace server::probe;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

// The line that begins with `name`; empty where there is none.
std::string row(const Report& report, std::string_view name) {
  const auto text = "\n" + text_of(report);
  const auto begin = text.find("\n" + std::string(name));
  return begin == text.npos ? "" : text.substr(begin + 1, text.find('\n', begin + 1) - begin - 1);
}

Report of_bytes(std::uint64_t bytes, std::optional<std::uint64_t> announced = {}, double seconds = 2) {
  Report report;
  report.bytes = bytes;
  report.announced = announced;
  report.seconds = seconds;
  return report;
}

}  // namespace

TEST_CASE("the servers' own words tell a cause, in any case, and the first of several counts") {
  struct Case {
    std::string_view words;
    Cause cause;
  };
  for (const auto& each :
       {Case{"/EWC Is A Directory", Cause::is_folder}, Case{"it is a folder", Cause::is_folder},
        Case{"Not a plain file", Cause::is_folder}, Case{"not a REGULAR file", Cause::is_folder},
        Case{"File not found: /EWC is a directory", Cause::is_folder},
        Case{"FILE NOT FOUND", Cause::not_found}, Case{"no such file or directory", Cause::not_found},
        Case{"x does not exist", Cause::not_found}, Case{"not found: permission denied", Cause::not_found},
        Case{"Access Denied", Cause::access}, Case{"No permission", Cause::access},
        Case{"Operation not permitted", Cause::access}, Case{"403 Forbidden", Cause::access},
        Case{"Access violation", Cause::error}, Case{"Disk full", Cause::error}, Case{"", Cause::error},
        Case{"\xff\x00", Cause::error}, Case{"not  found", Cause::error}}) {
    CAPTURE(each.words);
    CHECK(cause_in_words(each.words) == each.cause);
  }
}

TEST_CASE("a name is a cause's for ever: scripts read it") {
  CHECK(cause_name(Cause::no_address) == "NO_ADDRESS");
  CHECK(cause_name(Cause::timed_out) == "TIMED_OUT");
  CHECK(cause_name(Cause::not_found) == "NOT_FOUND");
  CHECK(cause_name(Cause::too_short) == "SHORT");
  CHECK(cause_name(Cause::not_an_image) == "NOT_AN_IMAGE");
  CHECK(cause_name(Cause::algorithms) == "ALGORITHMS");
  CHECK(cause_name(Cause::no_sftp) == "NO_SFTP");
  CHECK(cause_name(Cause::tls) == "TLS");
  CHECK(cause_name(Cause::status) == "STATUS");
}

TEST_CASE("options are a list, and a server's hostile ones are escaped") {
  CHECK(text_of(std::vector<tftp::Option>{}) == "no options");
  CHECK(text_of(std::vector<tftp::Option>{{"tsize", "0"}, {"blksize", "1428"}}) == "tsize 0, blksize 1428");
  CHECK(text_of(std::vector<tftp::Option>{{"\x1b[2J", "a\nb"}}) == "\\x1b[2J a\\nb");
}

TEST_CASE("the bytes that came are compared with those that were announced") {
  CHECK(row(of_bytes(10), "got") == "got      10 bytes in 2.0 s, 0.0 MB/s, 0 resent");
  CHECK(row(of_bytes(10, 10), "got") == "got      10 bytes, as announced in 2.0 s, 0.0 MB/s, 0 resent");
  CHECK(row(of_bytes(10, 11), "got") ==
        "got      10 bytes, and 11 were announced in 2.0 s, 0.0 MB/s, 0 resent");
  CHECK(row(of_bytes(10, {}, 0), "got") == "got      10 bytes in 0.0 s, 0 resent");
  auto over_tcp = of_bytes(3'000'000);
  over_tcp.over_tcp = true;
  CHECK(row(over_tcp, "got") == "got      3000000 bytes in 2.0 s, 1.5 MB/s");
}

TEST_CASE("a report without a byte has a row of bytes only for a file that is empty") {
  auto report = of_bytes(0);
  report.sha256 = "e3b0";
  report.cause = Cause::stalled;
  CHECK(row(report, "got").empty());
  CHECK(row(report, "sha256").empty());
  report.cause = Cause::empty;
  CHECK(row(report, "got") == "got      0 bytes in 2.0 s, 0.0 MB/s, 0 resent");
  CHECK(row(report, "sha256") == "sha256   e3b0");
}

TEST_CASE(
    "what was asked for is shown where there was an answer, and the answer's sender where it is known") {
  Report report;
  report.server = "192.0.2.2:69";
  report.asked = {{"tsize", "0"}};
  CHECK(text_of(report) == "ok: a device here gets this file\n");
  report.answered_after = 0.0126;
  CHECK(row(report, "192.0.2.2:69") == "192.0.2.2:69 answered after 12.6 ms");
  CHECK(row(report, "asked") == "asked    tsize 0");
  CHECK(row(report, "given") == "given    no options");
  report.from = "192.0.2.2:41231";
  CHECK(row(report, "192.0.2.2:69") == "192.0.2.2:69 answered after 12.6 ms, from 192.0.2.2:41231");
  report.asked.clear();
  report.given = {{"tsize", "10"}};
  CHECK(row(report, "given").empty());
}

TEST_CASE("notes and tries are lines of their own, in their order, before the verdict") {
  Report report;
  report.fingerprint = "ssh-ed25519 SHA256:abc";
  report.notes = {"first", "second"};
  report.trials = {{{{"blksize", "512"}}, "works", true}, {{}, "ERROR 8: no", false}};
  report.cause = Cause::status;
  report.status = 503;
  report.what = "the server answered 503";
  CHECK(
      text_of(report).starts_with("host key ssh-ed25519 SHA256:abc\n"
                                  "note     first\n"
                                  "note     second\n"
                                  "tried    blksize 512: works\n"
                                  "tried    no options: ERROR 8: no\n"
                                  "failed: STATUS 503\n"
                                  "what happened           the server answered 503\n"
                                  "most likely             "));
  CHECK_FALSE(has(text_of(report), "the device would print"));
}

TEST_CASE("the digest says in which release an import recorded it, and no path runs through the terminal") {
  auto report = of_bytes(10);
  report.sha256 = "abc";
  CHECK(row(report, "sha256") == "sha256   abc");
  report.recorded_as = "/EWC/17_9_4a/ap1g8";
  CHECK(row(report, "sha256") == "sha256   abc, as imported in /EWC/17_9_4a/ap1g8");
  report.recorded_as = "/EWC/\x1b[2J";
  CHECK(row(report, "sha256") == "sha256   abc, as imported in /EWC/\\x1b[2J");
}

TEST_CASE("JSON of a success says what is not known as null") {
  Report report;
  report.url = "tftp://h/ap1g8";
  CHECK(json_of(report) ==
        R"({"url":"tftp://h/ap1g8","ok":true,"cause":null,"status":null,"prints":null,"what":null,)"
        R"("likely":null,"check":null,"server":null,"from":null,"answered_ms":null,"asked":{},"given":{},)"
        R"("host_key":null,"announced":null,"bytes":0,"seconds":0.000,"resent":0,"sha256":null,)"
        R"("content":null,"recorded_as":null,"notes":[],"trials":[]})");
}

TEST_CASE("JSON of a failure has its numbers as numbers, and every try") {
  auto report = of_bytes(10, 20, 1.25);
  report.cause = Cause::status;
  report.status = 404;
  report.answered_after = 0.0126;
  report.resent = 3;
  report.notes = {"a", "b \"c\""};
  report.recorded_as = "/EWC/\xc3\xa9\x1b";
  report.trials = {{{{"blksize", "512"}}, "works", true}, {{}, "ERROR 8: \\x1b", false}};
  const auto json = json_of(report);
  for (const auto* part :
       {R"("ok":false,"cause":"STATUS","status":404,"prints":null,)", R"("answered_ms":12.600,)",
        R"("announced":20,"bytes":10,"seconds":1.250,"resent":3,)", R"("notes":["a","b \"c\""],)",
        "\"recorded_as\":\"/EWC/\xc3\xa9\\u001b\",",
        R"("trials":[{"options":{"blksize":"512"},"works":true,"result":"works"},)",
        R"({"options":{},"works":false,"result":"ERROR 8: \\x1b"}])"}) {
    CAPTURE(part);
    CHECK(has(json, part));
  }
}

TEST_CASE("a server's options cannot break out of JSON") {
  Report report;
  report.given = {{"a\":1,\"ok", "\"}\n"}};
  CHECK(has(json_of(report), R"("given":{"a\":1,\"ok":"\"}\\n"})"));
}
