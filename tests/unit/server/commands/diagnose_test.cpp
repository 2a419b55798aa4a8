#include <yaml-cpp/yaml.h>

#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
using test::has;

namespace {

// A depot with one release, on a server at 172.16.5.27.
struct Told : test::Site {
  Told() { put("EWC/17_9_4a/ap1g8"); }
  test::Ran diagnose(const std::string& log, std::vector<std::string> words = {}) const {
    words.insert(words.begin(), dir.write("log", log).string());
    words.insert(words.end(), {"--address", "172.16.5.27"});
    return run(diagnose_command, words);
  }
};

std::string failed(const std::string& url, const std::string& reason) {
  return "*Feb 1 20:29:25.730: %INSTALL-3-OPERATION_ERROR_MESSAGE: x: Failed to download file " + url + ": " +
         reason + "\n";
}

constexpr auto succeeded = "*Feb 1 20:30:00.000: AP Event: AP Image Download Success\n";
constexpr auto refused = "*Feb 1 20:31:00.000: AP Event: AP Image Download Failed\n";
constexpr auto here = "tftp://172.16.5.27/EWC/17_9_4a/ap1g8";

}  // namespace

TEST_CASE("a failure is a line with its time and a second one with its fix, and makes the status 1") {
  const auto ran = Told().diagnose(failed("tftp://172.16.5.199/EWC/17_9_4a/ap1g8", "Timed out"));
  CHECK(ran.status == 1);
  CHECK(ran.err.empty());
  CHECK(ran.out ==
        "Feb 1 20:29:25.730: tftp://172.16.5.199/EWC/17_9_4a/ap1g8, Timed out: the controller asks "
        "172.16.5.199, and this server is 172.16.5.27\n"
        "  tftp-image-server 172.16.5.27\n");
}

TEST_CASE("a fix that stands in the sentence already is not repeated") {
  const auto lines = test::lines_in(
      Told().diagnose(failed("tftp://172.16.5.27/Wrong/ap1g8", "No such file or directory")).out);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].ends_with("ap1g8 is in /EWC/17_9_4a: tftp-image-path /EWC/17_9_4a"));
}

TEST_CASE("a message without a time stands without one") {
  const auto ran = Told().diagnose("AP Event: AP Image Download Success\n");
  CHECK(ran.status == 0);
  CHECK(ran.out == "an access point has its image\n");
}

TEST_CASE("what only follows from a failure is left out until something went well") {
  const auto failure = failed(here, "Connection refused");
  const auto count = [](const std::string& log) { return test::lines_in(Told().diagnose(log).out).size(); };
  CHECK(count(failure) == 2);
  CHECK(count(failure + refused) == 2);
  CHECK(count(failure + succeeded + refused) == 2 + 1 + 2);
  CHECK(count(std::string(refused) + failure) == 2 + 2);
}

TEST_CASE("a log in which nothing failed makes the status 0, whether or not there is something to say") {
  const auto well = Told().diagnose(succeeded);
  CHECK(well.status == 0);
  CHECK(well.out == "Feb 1 20:30:00.000: an access point has its image\n");
  const auto asked = Told().diagnose("Image Data Request sent to 172.16.4.26, fileName [ap1g8], x\n");
  CHECK(asked.status == 0);
  CHECK(asked.out.empty());
  CHECK(asked.err.empty());
}

TEST_CASE("a log without a line about images says where there are some, and makes the status 1") {
  const Told told;
  for (const std::string log : {"", "\n", "nothing of this\n", "\x1b[31m\xff\n"}) {
    const auto ran = told.diagnose(log);
    CHECK(ran.status == 1);
    CHECK(ran.out.empty());
    CHECK(ran.err.starts_with("no line of " + (told.dir / "log").string() + " is about images: "));
    CHECK(has(ran.err, "`show logging`"));
  }
  CHECK(told.diagnose("", {"--json"}).out == "[]\n");
  const auto typed = told.run(diagnose_command, {"-"}, "x\n");
  CHECK(typed.err.starts_with("no line of the input is about images: "));
}

TEST_CASE("the log may come through a pipe") {
  const auto ran = Told().run(diagnose_command, {"-", "--address", "172.16.5.27"},
                              failed(here, "Connection refused") + succeeded);
  CHECK(ran.status == 1);
  CHECK(has(ran.out, "nothing listens on 172.16.5.27 for tftp\n"));
  CHECK(has(ran.out, "has its image\n"));
}

TEST_CASE("each address that is given is one of this server, and the first one is what to type") {
  const auto log = failed("tftp://192.0.2.9/EWC/17_9_4a/ap1g8", "Timed out");
  const auto neither = Told().diagnose(log, {"--address", "192.0.2.8"});
  CHECK(has(neither.out, "and this server is 192.0.2.8, 172.16.5.27\n  tftp-image-server 192.0.2.8\n"));
  const auto one = Told().diagnose(log, {"--address=192.0.2.9"});
  CHECK_FALSE(has(one.out, "this server is"));
  CHECK(has(one.out, "a firewall"));
}

TEST_CASE("as JSON there is one object a finding") {
  const auto ran =
      Told().diagnose(failed("tftp://172.16.5.199/EWC/17_9_4a/ap1g8", "Timed out") + succeeded, {"--json"});
  CHECK(ran.status == 1);
  const auto list = YAML::Load(ran.out);
  REQUIRE(list.size() == 2);
  CHECK(list[0]["when"].as<std::string>() == "Feb 1 20:29:25.730");
  CHECK(list[0]["bad"].as<bool>());
  CHECK(list[0]["fix"].as<std::string>() == "tftp-image-server 172.16.5.27");
  CHECK_FALSE(list[1]["bad"].as<bool>());
  CHECK(list[1]["what"].as<std::string>() == "an access point has its image");
  CHECK(list[1]["fix"].as<std::string>().empty());
}

TEST_CASE("hostile text in a log is printed escaped, its time too") {
  const std::string log =
      "*Feb 1\x1b[2J 20:29:25: Failed to download file tftp://172.16.5.27/\x1b[31m\xe2\x80\xae: \a\"x\n";
  for (const auto& words : {test::Words{}, test::Words{"--json"}}) {
    const auto ran = Told().diagnose(log, words);
    CHECK(ran.status == 1);
    for (const std::string_view raw : {"\x1b", "\xe2\x80\xae", "\a"}) CHECK_FALSE(has(ran.out, raw));
    CHECK(has(ran.out, "u202e"));
  }
  CHECK(YAML::Load(Told().diagnose(log, {"--json"}).out)[0]["when"].as<std::string>() ==
        "Feb 1\\x1b[2J 20:29:25");
}

TEST_CASE("one file is diagnosed, which must be there, for a depot that is there") {
  const Told told;
  CHECK(told.run(diagnose_command).mistake == "FILE is missing");
  CHECK(told.run(diagnose_command, {"a", "b"}).mistake == "unexpected argument b");
  const auto missing = (told.dir / "missing").string();
  CHECK(told.run(diagnose_command, {missing}).mistake ==
        "cannot read " + missing + ": No such file or directory");
  const auto nowhere =
      test::run(diagnose_command, {told.dir.write("log", succeeded).string(), "--config",
                                   told.config().string(), "--depot", (told.dir / "none").string()});
  CHECK(nowhere.status == 1);
  CHECK(nowhere.mistake.starts_with("there is no depot in "));
}
