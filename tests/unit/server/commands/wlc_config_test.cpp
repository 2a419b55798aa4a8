#include <yaml-cpp/yaml.h>

#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
using test::has;
using test::Words;

namespace {

constexpr auto hash = "$scrypt$ln=14,r=8,p=5$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaA";

std::string users(const std::string& name) {
  return "users:\n  - name: " + name + "\n    password_hash: \"" + hash + "\"\n";
}

// A depot with one release, on a server at 192.0.2.2.
struct Controller : test::Site {
  Controller() {
    for (const auto* name : {"ap3g3", "ap1g8", "readme.txt", "version.info"})
      put(std::string("EWC/17_9_4a/") + name);
  }
  test::Ran lines(Words words) const {
    words.insert(words.end(), {"--address", "192.0.2.2"});
    return run(wlc_config_command, std::move(words));
  }
};

std::string sftp_lines(const std::string& user) {
  return "wireless profile image-download default\n"
         " image-download-mode sftp\n"
         "  sftp-image-server 192.0.2.2\n"
         "  sftp-image-path /EWC/17_9_4a\n"
         "  sftp-username " +
         user +
         "\n"
         "  sftp-password 0 <password>\n";
}

}  // namespace

TEST_CASE("the lines for a controller are printed, for TFTP unless told otherwise") {
  const Controller controller;
  for (const auto& words :
       {Words{"17.9.4a"}, Words{"/EWC/17_9_4a", "--mode", "tftp"}, Words{"--mode=tftp", "17.09.04a"}}) {
    const auto ran = controller.lines(words);
    CHECK(ran.status == 0);
    CHECK(ran.err.empty());
    CHECK(ran.out ==
          "wireless profile image-download default\n"
          " image-download-mode tftp\n"
          "  tftp-image-server 192.0.2.2\n"
          "  tftp-image-path /EWC/17_9_4a\n");
  }
}

TEST_CASE("the lines for SFTP name a user of the configuration, else of the users file, else nobody") {
  const Controller controller;
  const auto lines = [&] { return controller.lines({"17.9.4a", "--mode", "sftp"}).out; };
  CHECK(lines() == sftp_lines("<user>"));
  const auto file = controller.dir.write("depot/state/users.yaml", users("of-file"));
  std::filesystem::permissions(file, std::filesystem::perms(0600));
  CHECK(lines() == sftp_lines("of-file"));
  std::string indented = "ssh:\n";
  for (const auto& line : test::lines_in(users("of-config"))) indented += "  " + line + "\n";
  controller.configure(indented);
  CHECK(lines() == sftp_lines("of-config"));
}

TEST_CASE("a users file that cannot be used does not keep the lines from being printed") {
  const Controller controller;
  controller.dir.write("depot/state/users.yaml", "users: [");
  const auto ran = controller.lines({"17.9.4a", "--mode", "sftp"});
  CHECK(ran.status == 0);
  CHECK(ran.out == sftp_lines("<user>"));
}

TEST_CASE("the lines for HTTP are one an image that access points load, and IPv6 stands in brackets") {
  const Controller controller;
  CHECK(controller.lines({"17.9.4a", "--mode", "http"}).out ==
        "archive download-sw /no-reload http://192.0.2.2/EWC/17_9_4a/ap1g8\n"
        "archive download-sw /no-reload http://192.0.2.2/EWC/17_9_4a/ap3g3\n");
  const auto v6 =
      controller.run(wlc_config_command, {"17.9.4a", "--mode", "http", "--address", "2001:db8::1"});
  CHECK(v6.out.starts_with("archive download-sw /no-reload http://[2001:db8::1]/EWC/17_9_4a/ap1g8\n"));
}

TEST_CASE("the path that never changes is one for controllers once a release is promoted") {
  const Controller controller;
  CHECK(controller.lines({"/EWC/current"}).status == 1);
  controller.put("EWC/current", "17_9_4a\n");
  CHECK(has(controller.lines({"/EWC/current"}).out, "  tftp-image-path /EWC/current\n"));
  CHECK(has(controller.lines({"/EWC/current", "--mode", "http"}).out, "/EWC/current/ap1g8\n"));
  CHECK(controller.lines({"/ME/current"}).status == 1);
}

TEST_CASE("as JSON the lines stand beside what they are made of, and a user for SFTP only") {
  const Controller controller;
  const auto tftp = YAML::Load(controller.lines({"17.9.4a", "--json"}).out);
  CHECK(tftp["mode"].as<std::string>() == "tftp");
  CHECK(tftp["server"].as<std::string>() == "192.0.2.2");
  CHECK(tftp["path"].as<std::string>() == "/EWC/17_9_4a");
  CHECK(has(tftp["lines"].as<std::string>(), "default\n image-download-mode tftp\n"));
  CHECK_FALSE(tftp["user"].IsDefined());
  CHECK(YAML::Load(controller.lines({"17.9.4a", "--json", "--mode", "sftp"}).out)["user"].as<std::string>() ==
        "<user>");
}

TEST_CASE("without an address the lines name one of this host, and the others are told apart from them") {
  const Controller controller;
  const auto ran = controller.run(wlc_config_command, {"17.9.4a"});
  CHECK(ran.status == 0);
  const auto lines = test::lines_in(ran.out);
  REQUIRE(lines.size() == 4);
  CHECK(lines[2].starts_with("  tftp-image-server "));
  const auto address = lines[2].substr(std::string("  tftp-image-server ").size());
  CHECK_FALSE(address.empty());
  // How many addresses there are, is the host's business.
  CHECK((ran.err.empty() || ran.err.starts_with("this host's addresses are " + address + ", ")));
}

TEST_CASE("a hostile address or release is printed on its own line, escaped") {
  const Controller controller;
  controller.put("lab\x1b[2J/17_12_1/ap1g8");
  const auto ran = controller.run(wlc_config_command, {"17.12.1", "--address", "192.0.2.2\nreload\x1b"});
  CHECK(test::lines_in(ran.out).size() == 4);
  CHECK(
      has(ran.out, "  tftp-image-server 192.0.2.2\\nreload\\x1b\n  tftp-image-path /lab\\x1b[2J/17_12_1\n"));
}

TEST_CASE("wrong usage of wlc-config is told, and a release that is not here is named with those that are") {
  const Controller controller;
  CHECK(controller.lines({}).mistake == "RELEASE is missing");
  CHECK(controller.lines({"a", "b"}).mistake == "unexpected argument b");
  for (const std::string mode : {"ftp", "", "TFTP"}) {
    const auto ran = controller.lines({"17.9.4a", "--mode=" + mode});
    CHECK(ran.status == 2);
    CHECK(ran.mistake == "--mode " + mode + ": it is tftp, sftp or http");
  }
  const auto missing = controller.lines({"17.15.1"});
  CHECK(missing.status == 1);
  CHECK(missing.out.empty());
  CHECK(missing.mistake == "17.15.1 is not a release here; there are: /EWC/17_9_4a");
}
