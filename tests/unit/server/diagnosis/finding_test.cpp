#include "server/diagnosis/finding.hpp"

#include <doctest/doctest.h>

#include "conf/load.hpp"
#include "server/text/controller_log.hpp"
#include "storage/depot/depot.hpp"
#include "storage/lookup/live_catalogue.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
using storage::LogMessage;
using Kind = LogMessage::Kind;
using Stage = SeenRequest::Stage;

namespace {

// A depot with one release, at 172.16.5.27.
struct Site {
  test::TempDir dir;
  storage::Depot depot{dir.path()};
  storage::LiveCatalogue catalogue{depot};
  conf::Settings settings = conf::load_defaults().settings;
  Here here{settings, catalogue, {"172.16.5.27", "192.0.2.2"}};
  SaidBefore before = {};

  Site() {
    for (const auto* name : {"ap1g6", "ap1g8"}) dir.write(std::string("images/EWC/17_9_4a/") + name, "image");
  }
  Finding of(std::string_view line, const std::optional<SeenHere>& seen = SeenHere{}) {
    const auto messages = read_controller_log(line);
    REQUIRE(messages.size() == 1);
    before.note(messages[0]);
    const auto found = finding_of(here, messages[0], before, "9120-EWC", seen);
    REQUIRE(found);
    return *found;
  }
  Finding of_failure(const std::string& url, const std::string& reason,
                     const std::optional<SeenHere>& seen = SeenHere{}) {
    return of("%INSTALL-3-OPERATION_ERROR_MESSAGE: Failed to download file " + url + ": " + reason, seen);
  }
};

SeenRequest seen_at(Stage stage, std::string client = "172.16.4.26") {
  return {std::move(client), "/EWC/17_9_4a/ap1g8", stage, {}};
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("a controller that asks another address is told this one") {
  Site site;
  const auto found = site.of_failure("tftp://172.16.5.199/EWC/17_9_4a/ap1g6", "Timed out");
  CHECK(found.bad);
  CHECK(found.what ==
        "tftp://172.16.5.199/EWC/17_9_4a/ap1g6, Timed out: 9120-EWC asks 172.16.5.199, and this server is "
        "172.16.5.27, 192.0.2.2");
  CHECK(found.fix == "tftp-image-server 172.16.5.27");
  const auto again = site.of_failure("tftp://172.16.5.199/EWC/17_9_4a/aplg6", "Timed out");
  CHECK(has(again.what, "once it asks this server, it will fail again: "));
  CHECK(has(again.what, "ap1g6"));
}

TEST_CASE("a wrong path or name is told with the controller's line that fixes it") {
  Site site;
  const auto path = site.of_failure("tftp://172.16.5.27/Wrong-Path/ap1g6", "No such file or directory");
  CHECK(has(path.what, "/Wrong-Path does not exist"));
  CHECK(has(path.fix, "tftp-image-path /EWC/17_9_4a"));
  const auto name =
      site.of_failure("sftp://*****@172.16.5.27/EWC/17_9_4a/aplg6", "No such file or directory");
  CHECK(has(name.what, "aplg6"));
  CHECK(has(name.what + name.fix, "ap1g6"));
  const auto other = site.of_failure("tftp://172.16.5.62/EWC/17_9_4a/ap1g6", "No such file or directory");
  CHECK(has(other.what, "172.16.5.62 answered, and this server is 172.16.5.27"));
}

TEST_CASE("with the right address silence is told by what arrived here") {
  const auto url = "tftp://172.16.5.27/EWC/17_9_4a/ap1g8";
  struct Row {
    std::optional<SeenHere> seen;
    const char *what, *fix;
  };
  for (const auto& [seen, what, fix] : {
           Row{std::nullopt, "a firewall between the controller and the server", "apdepot status"},
           Row{SeenHere{}, "no request of 9120-EWC has arrived here: a firewall stops UDP 69",
               "`apdepot probe tftp://172.16.5.27/EWC/17_9_4a/ap1g8` from its network"},
           Row{SeenHere{seen_at(Stage::asked), {}}, "what was sent back did not reach it",
               "tftp.single_port: true"},
           Row{SeenHere{{}, seen_at(Stage::asked, "172.16.9.9")}, "arrived from 172.16.9.9",
               "tftp.single_port"},
           Row{SeenHere{seen_at(Stage::refused), {}}, "was heard, and not let in", "names the key"},
           Row{SeenHere{seen_at(Stage::missed), {}}, "asked for /EWC/17_9_4a/ap1g8, which is not here",
               "miss"},
           Row{SeenHere{seen_at(Stage::knocked), {}}, "connected, and asked for nothing", "login"},
           Row{SeenHere{seen_at(Stage::began), {}}, "began, and is under way", "apdepot status --watch"},
           Row{SeenHere{seen_at(Stage::broke_off), {}}, "began, and broke off", "tftp.max_block_size: 1428"},
           Row{SeenHere{seen_at(Stage::fetched), {}}, "has got /EWC/17_9_4a/ap1g8 whole",
               "start the download again"},
       }) {
    Site site;
    const auto found = site.of_failure(url, "Timed out", seen);
    CAPTURE(found.what);
    CAPTURE(found.fix);
    CHECK(has(found.what, what));
    CHECK(has(found.fix, fix));
  }
}

TEST_CASE("an access point that fetches over HTTP is told of its ports, and of no login") {
  Site site;
  const std::string here = "http://172.16.5.27/EWC/17_9_4a/ap1g8", elsewhere = "http://203.0.113.5/EWC/ap1g8";
  CHECK(has(site.of_failure(here, "Timed out").what, "a firewall stops TCP 80 or 443"));
  CHECK(has(site.of_failure("https" + here.substr(4), "Timed out", std::nullopt).fix, "TCP 80 or 443"));
  CHECK(has(site.of_failure(here, "Permission denied").what, "is served here by now"));
  CHECK(site.of_failure(elsewhere, "Timed out").fix == "http://172.16.5.27");
}

TEST_CASE("an address behind NAT is this server's where the request has arrived") {
  Site site;
  const SeenHere seen{seen_at(Stage::asked), seen_at(Stage::asked)};
  const auto found = site.of_failure("tftp://203.0.113.5/EWC/17_9_4a/ap1g8", "Timed out", seen);
  CHECK(has(found.what, "what was sent back did not reach it"));
}

TEST_CASE("a URL without a server is told so, with the line that names this one") {
  for (const auto* url : {"tftp://", "tftp:///EWC/17_9_4a/ap1g8", "tftp://:69/EWC/17_9_4a/ap1g8"}) {
    Site site;
    for (const auto* reason : {"x", "Timed out", "Connection refused"}) {
      const auto found = site.of_failure(url, reason);
      CHECK(found.what ==
            std::string(url) + ", " + reason + ": the URL names no server: 9120-EWC asks nobody");
      CHECK(found.fix == "tftp-image-server 172.16.5.27");
    }
    const Here nowhere{site.settings, site.catalogue, {}};
    const auto message = read_controller_log("Failed to download file sftp:///a: x").at(0);
    CHECK(finding_of(nowhere, message, {}, "9120-EWC", {})->fix == "sftp-image-server ADDRESS");
  }
}

TEST_CASE("other reasons have their cause and fix") {
  struct Row {
    const char *url, *reason, *what, *fix;
  };
  for (const auto& [url, reason, what, fix] : {
           Row{"tftp://172.16.5.27/a/ap1g8", "Connection refused", "nothing listens on 172.16.5.27 for tftp",
               "apdepot status"},
           Row{"sftp://*****@172.16.5.27/a/ap1g8", "Permission denied", "did not let the user in",
               "apdepot user passwd"},
           Row{"sftp://*****@172.16.5.27/a/ap1g8", "Host key verification failed", "another host key",
               "apdepot doctor --only host-keys"},
           Row{"tftp://172.16.5.27/EWC/17_9_4a/ap1g8", "No space left on device", "no room for the image",
               "install remove inactive"},
           Row{"tftp://172.16.5.27/EWC/17_9_4a/ap1g8", "something new",
               "/EWC/17_9_4a/ap1g8 is served here by now: start the download again", ""},
       }) {
    Site site;
    const auto found = site.of_failure(url, reason);
    CAPTURE(found.what);
    CAPTURE(found.fix);
    CHECK(found.bad);
    CHECK(has(found.what, what));
    CHECK(has(found.fix, fix));
  }
}

TEST_CASE("what an access point could not get is that which it asked for before") {
  Site site;
  CHECK(has(site.of("(reason : image download cannot start)").what, "its controller could not fetch it"));
  const auto asked = read_controller_log("Image Data Request sent to 172.16.4.26, fileName [ap1g8], x");
  site.before.note(asked.at(0));
  CHECK_FALSE(finding_of(site.here, asked[0], site.before, "ap", {}));
  const auto found = site.of("(reason : image download cannot start)");
  CHECK(found.what ==
        "an access point did not get ap1g8, because its controller 172.16.4.26 could not fetch it; "
        "/EWC/17_9_4a/ap1g8 is served here");
  CHECK(has(found.fix, "show logging"));
  CHECK_FALSE(site.of("Starting download AP image tftp://172.16.5.199/EWC/17_9_4a/ap1g8 ...").bad);
  CHECK(
      has(site.of("Image download failed.").what, "tftp://172.16.5.199/EWC/17_9_4a/ap1g8, download failed"));
}

TEST_CASE("each failing line of the collected logs has a cause and a fix, and hostile text is escaped") {
  Site site;
  for (const auto* line :
       {"capwap_image_proc: problem extracting tar file", "Image signing certificate validation failed (1A).",
        "AP image integrity check FAILED", "Aborting Image Download", "Image download failed.",
        "upgrade.sh: tar: write error: No space left on device", "AP Event: AP Image Download Failed",
        "Refusing image download to AP x - unable to open image file /bsn/ap//c1100 Error:No such",
        "verify signature failed for /bootpart/part1/ramfs_data_cisco.cpio.lzma",
        "%INSTALL-3-OPERATION_ERROR_MESSAGE: Failed to install_add package bootflash:/a.bin, Error: Booted "
        "in bundle "
        "mode"}) {
    CAPTURE(line);
    const auto found = site.of(line);
    CHECK(found.bad);
    CHECK(found.what.size() > 20);
    CHECK(found.fix.size() > 10);
  }
  const auto hostile = site.of_failure(
      "tftp://172.16.5.27/\x1b[31m\xe2\x80\xae"
      "ap1g8",
      "\x07oops");
  CHECK_FALSE(has(hostile.what, "\x1b"));
  CHECK_FALSE(has(hostile.what, "\xe2\x80\xae"));
  CHECK_FALSE(has(hostile.what, "\x07"));
}
