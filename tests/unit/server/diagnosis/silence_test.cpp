#include "server/diagnosis/silence.hpp"

#include <doctest/doctest.h>

#include <string>

#include "server/events/protocol.hpp"

using namespace server;
using event::Protocol;
using Stage = SeenRequest::Stage;

namespace {

constexpr auto url = "tftp://192.0.2.2/EWC/17_9_4a/ap1g8";

SeenRequest request(Stage stage, std::string client = "192.0.2.7", std::string asked = "/a/ap1g8") {
  return {std::move(client), std::move(asked), stage, {}};
}

SilenceText told(const std::optional<SeenHere>& seen, Protocol protocol = Protocol::tftp) {
  return silence_text({"9120-EWC", "192.0.2.2", url, protocol, seen});
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("of a pasted log both sides of the way are suspected, each protocol's own port") {
  struct Row {
    Protocol protocol;
    const char* port;
  };
  for (const auto& [protocol, port] :
       {Row{Protocol::tftp, "UDP 69"}, Row{Protocol::sftp, "stops TCP 22"},
        Row{Protocol::scp, "stops TCP 22"}, Row{Protocol::http, "stops TCP 80 or 443"}}) {
    CAPTURE(port);
    const auto [what, fix] = told({}, protocol);
    CHECK(what ==
          "nothing came back from 192.0.2.2: a firewall between the controller and the server, or the server "
          "does "
          "not run");
    CHECK(fix.starts_with("`apdepot status` tells whether it runs. "));
    CHECK(has(fix, port));
    CHECK(has(fix, "tftp.single_port: true") == (protocol == Protocol::tftp));
  }
}

TEST_CASE("where nothing has arrived the way to the server is at fault, and a probe shows where") {
  const SeenHere nothing;
  CHECK(told(nothing).what ==
        "no request of 9120-EWC has arrived here: a firewall stops UDP 69 on the way, or a route is missing");
  CHECK(told(nothing).fix ==
        "`apdepot probe tftp://192.0.2.2/EWC/17_9_4a/ap1g8` from its network shows where");
  CHECK(has(told(nothing, Protocol::scp).what, "a firewall stops TCP 22 on the way"));
  CHECK(has(told(nothing, Protocol::http).what, "a firewall stops TCP 80 or 443 on the way"));
}

TEST_CASE("what the device itself did counts more than what another did with the file") {
  const SeenHere both{request(Stage::refused), request(Stage::asked, "192.0.2.9")};
  CHECK(told(both).what == "9120-EWC was heard, and not let in");
  const SeenHere other{{}, request(Stage::refused, "192.0.2.9")};
  CHECK(told(other).what == "192.0.2.9 was heard, and not let in");
}

TEST_CASE("how far a request came decides what is wrong and what to do") {
  struct Row {
    Stage stage;
    const char *what, *fix;
  };
  for (const auto& [stage, what, fix] :
       {Row{Stage::knocked, "9120-EWC connected, and asked for nothing", "how far its login came"},
        Row{Stage::refused, "9120-EWC was heard, and not let in", "names the key, or the login's fault"},
        Row{Stage::missed, "9120-EWC was heard, and asked for /a/ap1g8, which is not here",
            "says what it should ask for"},
        Row{Stage::asked,
            "its request arrived from 192.0.2.7, and what was sent back did not reach it: a firewall stops "
            "the "
            "answer",
            "tftp.single_port: true, or tftp.port_range and a rule of the firewall for it"},
        Row{Stage::began, "its transfer to 192.0.2.7 began, and is under way or stands still",
            "tftp.max_block_size: 1428"},
        Row{Stage::broke_off, "its transfer to 192.0.2.7 began, and broke off", "tftp.max_block_size: 1428"},
        Row{Stage::fetched, "192.0.2.7 has got /a/ap1g8 whole from here meanwhile",
            "start the download again"}}) {
    CAPTURE(what);
    const SeenHere seen{request(stage), {}};
    CHECK(told(seen).what == what);
    CHECK(has(told(seen).fix, fix));
  }
}

TEST_CASE("what a client chose stands in the sentence escaped, and cut where it is long") {
  const std::string hostile = "\x1b[2J\n/" + std::string(10'000, 'x');
  for (const auto stage : {Stage::knocked, Stage::refused, Stage::missed, Stage::asked, Stage::began,
                           Stage::broke_off, Stage::fetched}) {
    const SeenHere of_device{request(stage, hostile, hostile), {}},
        of_file{{}, request(stage, hostile, hostile)};
    for (const auto& seen : {of_device, of_file}) {
      const auto [what, fix] = told(seen);
      CHECK_FALSE(has(what + fix, "\x1b"));
      CHECK_FALSE(has(what + fix, "\n"));
      CHECK(what.size() < 700);
    }
    CHECK(has(told(of_file).what, "\\x1b[2J\\n"));
  }
}
