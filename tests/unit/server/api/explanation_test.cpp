#include "server/api/explanation.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "conf/load.hpp"
#include "conf/users.hpp"
#include "server/accounts/users.hpp"
#include "storage/depot/depot.hpp"
#include "storage/lookup/live_catalogue.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
using event::Protocol;
using storage::Cause;
using storage::Rule;

namespace {

constexpr auto key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f someone";

struct House {
  test::TempDir dir;
  storage::Depot depot{dir.path()};
  storage::LiveCatalogue catalogue{depot};
  conf::Settings settings = conf::load_defaults().settings;

  House() { dir.write("images/EWC/17_9_4a/ap1g8", "image"); }

  Explanation ask(const std::string& path, Protocol protocol = Protocol::tftp, const char* client = nullptr) {
    return explain(question(path, protocol, client, false));
  }
  Explanation write(const std::string& path, Protocol protocol = Protocol::tftp) {
    return explain(question(path, protocol, nullptr, true));
  }
  std::string json(const std::string& path, Protocol protocol = Protocol::tftp) {
    const auto asked = question(path, protocol, nullptr, false);
    return to_json(asked, explain(asked));
  }
  Question question(const std::string& path, Protocol protocol, const char* client, bool writes) {
    Question made{settings, catalogue, path, protocol, {}, writes};
    if (client) made.client = net::ip::make_address(client);
    return made;
  }
  void network(std::vector<conf::Network> conf::Tftp::*list, const char* text) {
    (settings.tftp.*list) = {*conf::parse_network(text)};
  }
};

// The answer as one text.
std::string text_of(const Explanation& answer) {
  if (answer) return std::string(rule_name(answer->rule)) + " " + answer->path.text();
  const auto& miss = answer.error();
  return std::string(cause_name(miss.cause)) + ": " + miss.what + "; " + miss.hint;
}

conf::User uploader(bool uploads) {
  conf::User made;
  made.name = "ewc";
  made.authorized_keys = {key};
  made.uploads = uploads;
  return made;
}

}  // namespace

TEST_CASE("a name is answered as the server would serve it") {
  House house;
  house.settings.lookup.aliases = {
      {*storage::Path::parse("/tftpboot/aps"), *storage::Path::parse("/EWC/17_9_4a")}};
  struct Row {
    const char *asked, *answer;
  };
  const Row rows[] = {{"/EWC/17_9_4a/ap1g8", "exact /EWC/17_9_4a/ap1g8"},
                      {"ewc/17_9_4A/AP1G8", "case /EWC/17_9_4a/ap1g8"},
                      {"EWC/17.09.04a/ap1g8", "version /EWC/17_9_4a/ap1g8"},
                      {"ap1g8", "only_release /EWC/17_9_4a/ap1g8"},
                      {"/tftpboot/aps/ap1g8", "alias /EWC/17_9_4a/ap1g8"}};
  for (const auto& row : rows) {
    CAPTURE(row.asked);
    CHECK(text_of(house.ask(row.asked)) == row.answer);
  }
  house.settings.lookup.forgiving = false;
  CHECK_FALSE(house.ask("ap1g8"));
  CHECK(text_of(house.ask("/tftpboot/aps/ap1g8")) == "alias /EWC/17_9_4a/ap1g8");
}

TEST_CASE("a client that gets nothing, whatever it asks for, is told of its address") {
  House house;
  house.network(&conf::Tftp::deny, "192.0.2.0/28");
  house.network(&conf::Tftp::allow, "192.0.2.0/24");
  const std::string good = "/EWC/17_9_4a/ap1g8",
                    dropped = "NOT_FOUND: requests from 192.0.2.7 are dropped without an answer; ";
  CHECK(text_of(house.ask(good, Protocol::tftp, "192.0.2.7")) == dropped + "its address is in tftp.deny");
  CHECK(text_of(house.ask(good, Protocol::http, "192.0.2.7")) ==
        "NOT_FOUND: requests from 192.0.2.7 are refused; its address is in tftp.deny");
  CHECK(text_of(house.ask(good, Protocol::tftp, "198.51.100.1")) ==
        "NOT_FOUND: requests from 198.51.100.1 are dropped without an answer; its address is not in "
        "tftp.allow");
  CHECK(house.ask(good, Protocol::tftp, "192.0.2.16"));
  CHECK(house.ask(good, Protocol::tftp, "::ffff:192.0.2.16"));
  CHECK_FALSE(house.ask(good, Protocol::tftp, "::ffff:192.0.2.7"));
  CHECK(house.ask(good, Protocol::sftp, "192.0.2.7"));
  CHECK(house.ask(good, Protocol::tftp));
}

TEST_CASE("a name that cannot be a file's has its cause") {
  House house;
  CHECK(house.ask("").error().cause == Cause::empty_name);
  CHECK(house.ask("../etc/passwd").error().cause == Cause::escapes_root);
  CHECK(house.ask("/EWC/17_9_4a").error().cause == Cause::is_directory);
  CHECK(house.ask("/Wrong-Path/ap1g8").error().cause == Cause::wrong_directory);
}

TEST_CASE("over TFTP a file is written below uploads alone, where that is allowed and nothing is there") {
  House house;
  CHECK(text_of(house.write("/uploads/a.cfg")) ==
        "WRITE_REFUSED: uploads are not accepted; tftp.uploads allows them");
  house.settings.tftp.uploads = true;
  house.dir.write("images/uploads/there.cfg", "x");
  house.dir.write("images/uploads/site/there.cfg", "x");
  house.settings.lookup.aliases = {{*storage::Path::parse("/cfg"), *storage::Path::parse("/uploads/site")}};
  struct Row {
    const char *asked, *answer;
  };
  const Row rows[] = {
      {"/uploads/a.cfg", "exact /uploads/a.cfg"},
      {"uploads/site/a.cfg", "exact /uploads/site/a.cfg"},
      {"/cfg/a.cfg", "alias /uploads/site/a.cfg"},
      {"/cfg/there.cfg", "WRITE_REFUSED: /uploads/site/there.cfg is there already; nothing is overwritten"},
      {"/uploads/there.cfg", "WRITE_REFUSED: /uploads/there.cfg is there already; nothing is overwritten"},
      {"/uploads/none/a.cfg", "WRITE_REFUSED: there is no folder /uploads/none; an upload makes no folders"},
      {"/uploads/there.cfg/a",
       "WRITE_REFUSED: there is no folder /uploads/there.cfg; an upload makes no folders"},
      {"/uploads", "WRITE_REFUSED: /uploads is not below /uploads; write /uploads/uploads"},
      {"/EWC/17_9_4a/ap1g8",
       "WRITE_REFUSED: /EWC/17_9_4a/ap1g8 is not below /uploads; write /uploads/ap1g8"}};
  for (const auto& row : rows) {
    CAPTURE(row.asked);
    CHECK(text_of(house.write(row.asked)) == row.answer);
  }
  CHECK(house.write("/uploads/../../a").error().cause == Cause::escapes_root);
}

TEST_CASE("whether a file could be written is found out without making anything") {
  House house;
  house.settings.tftp.uploads = true;
  REQUIRE(house.write("/uploads/a.cfg"));
  CHECK_FALSE(std::filesystem::exists(house.depot.images() / "uploads"));
}

TEST_CASE("over SFTP somebody must be allowed to upload, in the configuration or in the users file") {
  House house;
  const std::string nobody = "WRITE_REFUSED: no user may upload; uploads: true for a user allows it";
  CHECK(text_of(house.write("/uploads/a.cfg", Protocol::sftp)) == nobody);
  house.settings.ssh.users = {uploader(false)};
  CHECK(text_of(house.write("/uploads/a.cfg", Protocol::sftp)) == nobody);
  house.settings.ssh.users = {uploader(true)};
  CHECK(text_of(house.write("/uploads/a.cfg", Protocol::sftp)) == "exact /uploads/a.cfg");
  house.settings.ssh.users.clear();
  conf::save_users({uploader(true)}, users_file(house.settings, house.depot));
  CHECK(text_of(house.write("/uploads/a.cfg", Protocol::sftp)) == "exact /uploads/a.cfg");
  CHECK(text_of(house.write("/EWC/a.cfg", Protocol::sftp)) ==
        "WRITE_REFUSED: /EWC/a.cfg is not below /uploads; write /uploads/a.cfg");
  CHECK(house.write("/uploads", Protocol::sftp).error().cause == Cause::write_refused);
  CHECK(house.write("", Protocol::sftp).error().cause == Cause::empty_name);
}

TEST_CASE("an answer has the path that is served, or the cause with the nearest file and the fix") {
  House house;
  CHECK(house.json("ap1g8") ==
        R"({"path":"ap1g8","served":"/EWC/17_9_4a/ap1g8","rule":"only_release","cause":null,"nearest":null,)"
        R"("fix":null})");
  house.settings.lookup.forgiving = false;
  const auto near = house.json("/Wrong-Path/ap1g8");
  CHECK(near.starts_with(R"({"path":"/Wrong-Path/ap1g8","served":null,"rule":null,"cause":"WRONG_DIRECTORY",)"
                         R"("nearest":"/EWC/17_9_4a/ap1g8","fix":")"));
  CHECK(near.find("tftp-image-path /EWC/17_9_4a\"}") != std::string::npos);
  CHECK(house.json("/Wrong-Path/ap1g8", Protocol::sftp).find("sftp-image-path /EWC/17_9_4a\"}") !=
        std::string::npos);
  CHECK(house.json("/Wrong-Path/ap1g8", Protocol::http).find("image-path") == std::string::npos);
  CHECK(house.json("no\x1b[2J\"such\"").find('\x1b') == std::string::npos);
}
