#include "server/probe/content.hpp"

#include <doctest/doctest.h>

#include <span>

#include "tests/support/tar_writer.hpp"

using namespace server::probe;

namespace {

struct Found {
  std::optional<Fault> fault;
  Report report;
};

Found found_in(const std::string& bytes, std::string_view name, std::optional<std::uint64_t> announced = {},
               const std::optional<Recorded>& recorded = {}) {
  Content content(name);
  content.update(std::as_bytes(std::span(bytes)));
  Found found;
  found.fault = content.finish(announced, recorded, found.report);
  return found;
}

}  // namespace

TEST_CASE("a whole image has no fault, and a name for what it is") {
  const auto image = test::ap_image("flash");
  const auto found = found_in(image, "ap1g8", image.size());
  CHECK_FALSE(found.fault);
  CHECK(found.report.content == "AP image (tar), complete");
  CHECK(found.report.sha256.size() == 64);
  const auto recorded =
      found_in(image, "ap1g8", image.size(), Recorded{"/EWC/17_9_4a/ap1g8", found.report.sha256});
  CHECK_FALSE(recorded.fault);
  CHECK(recorded.report.recorded_as == "/EWC/17_9_4a/ap1g8");
}

TEST_CASE("each fault of a file has its cause") {
  const auto image = test::ap_image("flash");
  CHECK(found_in("", "ap1g8", 0).fault->cause == Cause::empty);
  CHECK(found_in("", "readme.txt").fault->cause == Cause::empty);
  CHECK(found_in(image.substr(0, 512), "ap1g8", image.size()).fault->cause == Cause::too_short);
  CHECK(found_in(image.substr(0, 530), "ap1g8", 530).fault->cause == Cause::too_short);
  CHECK(found_in(image, "ap1g8", {}, Recorded{"/EWC/17_9_4a/ap1g8", "00"}).fault->cause == Cause::different);
  const auto page = found_in("<!DOCTYPE HTML><html>blocked</html>", "ap1g8");
  CHECK(page.fault->cause == Cause::not_an_image);
  CHECK(page.fault->what == "it is an HTML page of 35 bytes");
  CHECK(found_in(std::string(5000, '\0'), "ap1g8").fault->cause == Cause::not_an_image);
  auto damaged = image;
  damaged[damaged.find("part.bin")] = 'q';
  CHECK(found_in(damaged, "ap1g8").fault->cause == Cause::not_an_image);
}

TEST_CASE("a text that is not called an image is a file like others, and doubts are noted") {
  CHECK_FALSE(found_in("<html></html>", "index.html").fault);
  const auto odd = found_in("\x01 bytes", "ap1g8");
  CHECK_FALSE(odd.fault);
  REQUIRE(odd.report.notes.size() == 1);
  CHECK(odd.report.notes[0].find("not a tar") != std::string::npos);
}

TEST_CASE("a file that comes in small pieces is judged as one that comes at once") {
  const auto image = test::ap_image("flash");
  Content content("ap1g8");
  Report report;
  for (const auto& byte : image) content.update(std::as_bytes(std::span(&byte, 1)));
  CHECK_FALSE(content.finish(image.size(), {}, report));
  CHECK(report.sha256 == found_in(image, "ap1g8").report.sha256);
  CHECK(report.content == "AP image (tar), complete");
}

TEST_CASE("a file is short only below the size that was announced, and a size of 0 announces nothing") {
  const auto image = test::ap_image("flash");
  CHECK_FALSE(found_in(image, "ap1g8", 0).fault);
  CHECK_FALSE(found_in(image, "ap1g8", image.size() - 1).fault);
  const auto cut = found_in(image, "ap1g8", image.size() + 1);
  REQUIRE(cut.fault);
  CHECK(cut.fault->what == "10240 bytes came, and the server had announced 10241");
  CHECK(cut.report.sha256.size() == 64);
  CHECK(cut.report.content == "AP image (tar)");
}

TEST_CASE("of several faults the one is told that explains the others") {
  const Recorded other{"/EWC/\x1b/ap1g8", "00"};
  CHECK(found_in("", "ap1g8", 10, other).fault->cause == Cause::too_short);
  CHECK(found_in("", "ap1g8", 0, other).fault->cause == Cause::empty);
  CHECK(found_in("<html>", "ap1g8", 10, other).fault->cause == Cause::too_short);
  const auto different = found_in("<html>", "ap1g8", 6, other);
  CHECK(different.fault->cause == Cause::different);
  CHECK(different.fault->what ==
        "its SHA-256 is " + different.report.sha256 + ", and /EWC/\\x1b/ap1g8 was imported here with 00");
  CHECK_FALSE(different.report.recorded_as);
}

TEST_CASE("a page is told by its first 512 bytes") {
  const auto what_is = [](std::size_t blanks, std::string_view tag) {
    return found_in(std::string(blanks, ' ') + std::string(tag), "ap1g8").fault.value().what;
  };
  CHECK(what_is(507, "<HTML") == "it is an HTML page of 512 bytes");
  CHECK(what_is(508, "<HTML").find("is a text") != std::string::npos);
  CHECK(what_is(0, "<!DocType Html>") == "it is an HTML page of 15 bytes");
  CHECK(what_is(0, "<htm>").find("is a text") != std::string::npos);
}

TEST_CASE("a report is lines for a person, or JSON with the same words") {
  Report report;
  report.url = "tftp://192.0.2.2/ap1g8";
  report.server = "192.0.2.2:69";
  report.from = "192.0.2.2:41231";
  report.answered_after = 0.0004;
  report.asked = {{"blksize", "1428"}};
  report.bytes = report.announced.emplace(2'000'000);
  report.seconds = 2;
  CHECK(
      text_of(report) ==
      "192.0.2.2:69 answered after 0.4 ms, from 192.0.2.2:41231\nasked    blksize 1428\ngiven    no options\n"
      "got      2000000 bytes, as announced in 2.0 s, 1.0 MB/s, 0 resent\nok: a device here gets this "
      "file\n");
  report.cause = Cause::timed_out;
  report.what = "no packet \"came\"";
  CHECK(text_of(report).find(
            "failed: TIMED_OUT\nthe device would print  Timed out\nwhat happened           no packet "
            "\"came\"\nmost likely             ") != std::string::npos);
  const auto json = json_of(report);
  CHECK(
      json.find(
          R"("ok":false,"cause":"TIMED_OUT","status":null,"prints":"Timed out","what":"no packet \"came\"")") !=
      std::string::npos);
  CHECK(json.find(R"("asked":{"blksize":"1428"},"given":{})") != std::string::npos);
}

TEST_CASE("each cause has a name and an advice") {
  for (auto cause = Cause::no_address; cause <= Cause::no_sftp;
       cause = static_cast<Cause>(static_cast<int>(cause) + 1)) {
    Report report;
    report.cause = cause;
    CAPTURE(cause_name(cause));
    CHECK_FALSE(cause_name(cause).empty());
    CHECK(text_of(report).find("most likely") != std::string::npos);
    CHECK(text_of(report).find("\ncheck ") != std::string::npos);
  }
}
