#include "server/api/controller_lines.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "conf/load.hpp"
#include "conf/users.hpp"
#include "server/accounts/users.hpp"
#include "storage/depot/depot.hpp"
#include "storage/releases/promote.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;

namespace {

constexpr auto key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f someone";

conf::User user(const std::string& name) {
  conf::User made;
  made.name = name;
  made.authorized_keys = {key};
  return made;
}

struct House {
  test::TempDir dir;
  storage::Depot depot{dir.path()};
  conf::Settings settings = conf::load_defaults().settings;

  House() { add("/EWC/17_9_4a", "ap1g8"); }
  void add(const std::string& release, const std::string& name) const {
    dir.write("images" + release + "/" + name, "image");
  }
  void promote(const std::string& release) const { storage::promote(depot, *storage::Path::parse(release)); }
  ControllerLines lines(const std::string& wanted, const std::string& mode,
                        const std::optional<std::string>& address = "192.0.2.2") const {
    return controller_lines(settings, depot, wanted, mode, address);
  }
  std::string path(const std::string& wanted) const {
    try {
      return lines(wanted, "tftp").path;
    } catch (const std::runtime_error& e) {
      return e.what();
    }
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE(
    "a controller that fetches over TFTP is told mode, server and path, whatever the release is called") {
  const House house;
  const auto made = house.lines("17.09.04a", "tftp");
  CHECK(made.lines ==
        "wireless profile image-download default\n"
        " image-download-mode tftp\n"
        "  tftp-image-server 192.0.2.2\n"
        "  tftp-image-path /EWC/17_9_4a\n");
  CHECK(made.others.empty());
  const auto json = to_json(made);
  CHECK(json.starts_with(R"({"mode":"tftp","server":"192.0.2.2","path":"/EWC/17_9_4a","lines":")"));
  CHECK_FALSE(has(json, "\"user\""));
}

TEST_CASE("the path of what is promoted is for controllers too, once something is promoted") {
  const House house;
  house.add("/EWC/17_12_1", "ap1g8");
  house.add("/ME/8_10_185_0", "ap1g4");
  CHECK(has(house.path("/EWC/current"), "is not a release here"));
  house.promote("/EWC/17_9_4a");
  for (const auto* wanted : {"/EWC/current", "EWC/current", "/EWC//current/"}) {
    CAPTURE(wanted);
    CHECK(house.path(wanted) == "/EWC/current");
  }
  CHECK(house.path("17.9.4a") == "/EWC/17_9_4a");
  CHECK(has(house.path("/ME/current"), "is not a release here"));
}

TEST_CASE("over SFTP a user of the configuration is named first, then one of the users file") {
  House house;
  CHECK(has(house.lines("17.9.4a", "sftp").lines, "  sftp-username <user>\n"));
  conf::save_users({user("site-7"), user("site-8")}, users_file(house.settings, house.depot));
  CHECK(house.lines("17.9.4a", "sftp").user == "site-7");
  house.settings.ssh.users = {user("ewc")};
  const auto made = house.lines("17.9.4a", "sftp");
  CHECK(made.lines ==
        "wireless profile image-download default\n"
        " image-download-mode sftp\n"
        "  sftp-image-server 192.0.2.2\n"
        "  sftp-image-path /EWC/17_9_4a\n"
        "  sftp-username ewc\n"
        "  sftp-password 0 <password>\n");
  CHECK(has(to_json(made), R"("user":"ewc")"));
}

TEST_CASE("over HTTP each image of an access point has a line, by name, and nothing else has one") {
  const House house;
  for (const auto* name : {"ap1g7", "C9800-AP-iosxe-wlc.bin", "readme.txt", "version.info"})
    house.add("/EWC/17_9_4a", name);
  CHECK(house.lines("17.9.4a", "http").lines ==
        "archive download-sw /no-reload http://192.0.2.2/EWC/17_9_4a/ap1g7\n"
        "archive download-sw /no-reload http://192.0.2.2/EWC/17_9_4a/ap1g8\n");
  CHECK(
      has(house.lines("17.9.4a", "http", "2001:db8::2").lines, " http://[2001:db8::2]/EWC/17_9_4a/ap1g7\n"));
}

TEST_CASE("the images of `current` are those of the release that is promoted") {
  const House house;
  house.promote("/EWC/17_9_4a");
  CHECK(house.lines("/EWC/current", "http").lines ==
        "archive download-sw /no-reload http://192.0.2.2/EWC/current/ap1g8\n");
}

TEST_CASE("a release with hundreds of images has a line for each") {
  const House house;
  for (int i = 0; i < 250; ++i) house.add("/Old/15_3_3", "c" + std::to_string(1000 + i));
  const auto lines = house.lines("/Old/15_3_3", "http").lines;
  CHECK(std::ranges::count(lines, '\n') == 250);
  CHECK(has(lines, "/c1000\n"));
  CHECK(has(lines, "/c1249\n"));
}

TEST_CASE("without an address one of this host is taken, and the others are offered") {
  const House house;
  const auto made = house.lines("17.9.4a", "tftp", std::nullopt);
  CHECK_FALSE(made.address.empty());
  CHECK(has(made.lines, "tftp-image-server " + made.address + "\n"));
  CHECK(std::ranges::find(made.others, made.address) == made.others.end());
}
