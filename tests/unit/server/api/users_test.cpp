#include "server/api/users.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "conf/users.hpp"
#include "server/accounts/password.hpp"
#include "server/accounts/users.hpp"
#include "storage/depot/staging.hpp"
#include "tests/unit/server/api/api_site.hpp"

using namespace server;
using test::ApiSite;
using test::column;
using test::has;

namespace {

constexpr auto key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f someone";
constexpr auto a_hash = "$scrypt$ln=14,r=8,p=5$c2FsdA$aGFzaA";

struct Site : ApiSite {
  std::filesystem::path file() const { return users_file(*configured, library.depot); }
  std::vector<conf::User> saved() const { return conf::load_users(file()); }
  void save(const std::string& name) const {
    conf::User user;
    user.name = name;
    user.authorized_keys = {key};
    conf::save_users({user}, file());
  }
  Reply add(const std::string& members) { return send("POST", "users", "{" + members + "}"); }
  Reply change(const std::string& name, const std::string& members) {
    return send("PATCH", "users/" + name, "{" + members + "}");
  }
};

std::string with_key(const std::string& name) {
  return "\"name\":\"" + name + "\",\"keys\":[\"" + key + "\"]";
}

}  // namespace

TEST_CASE("a user who is added is in the file and in the list, and of the password only its hash is kept") {
  Site site;
  site.write_image("/EWC/17_9_4a", "ap1g8", "image");
  const auto reply = site.add(R"("name":"ewc","password":"secret","root":"/EWC","uploads":true)");
  CHECK(reply.status == 201);
  CHECK(reply.body ==
        R"({"name":"ewc","root":"/EWC","password":true,"keys":0,"uploads":true,"web":"none","sftp":true,)"
        R"("defined_in":"users file"})"
        "\n");
  const auto users = site.saved();
  REQUIRE(users.size() == 1);
  CHECK(users[0].root == "/EWC");
  CHECK(verify_password("secret", users[0].password_hash));
  CHECK(column(site.get("users"), "name") == std::vector<std::string>{"ewc"});
  REQUIRE(site.acts.size() == 1);
  CHECK(site.acts[0].who == "maria");
  CHECK(site.acts[0].act == "add user");
  CHECK(site.acts[0].subject == "ewc");
  CHECK(site.acts[0].outcome == "done");
}

TEST_CASE("a user who cannot be is refused, and nothing is written") {
  struct Row {
    std::string members;
    const char* why;
  };
  const Row rows[] = {
      {R"("password":"secret")", "name is missing"},
      {R"("name":"-ewc","password":"secret")", "-ewc is not a user name"},
      {R"("name":"../ewc","password":"secret")", "../ewc is not a user name"},
      {R"("name":")" + std::string(33, 'a') + R"(","password":"secret")", "is not a user name"},
      {R"("name":"ewc")", "the user has neither a password nor a key"},
      {R"("name":"ewc","keys":[])", "the user has neither a password nor a key"},
      {R"("name":"ewc","password":"secret","root":"/EWC")", "there is no folder /EWC in images/"},
      {R"("name":"ewc","password":"secret","root":"/file")", "there is no folder /file in images/"},
      {R"("name":"ewc","password":")" + std::string(1025, 'a') + "\"",
       "the password has more than 1024 bytes"},
      {R"("name":"ewc","password":["secret"])", "password is not a text"},
      {R"("name":"ewc","password":"elevenchars","web":"viewer")", "at least 12 characters"}};
  Site site;
  site.dir.write("images/file", "x");
  for (const auto& row : rows) {
    CAPTURE(row.members);
    const auto reply = site.add(row.members);
    CHECK(reply.status == 400);
    CHECK(has(reply.body, row.why));
    CHECK(has(site.acts.back().outcome, row.why));
    CHECK_FALSE(has(site.acts.back().outcome, "secret"));
  }
  CHECK_FALSE(std::filesystem::exists(site.file()));
  CHECK(site.add(with_key(std::string(32, 'a'))).status == 201);
}

TEST_CASE("a hundred keys are taken, and one more is not") {
  std::string keys;
  for (int i = 0; i < 100; ++i) keys += std::string(i == 0 ? "" : ",") + "\"" + key + "\"";
  Site site;
  CHECK(site.add("\"name\":\"ewc\",\"keys\":[" + keys + ",\"" + key + "\"]").status == 400);
  CHECK(has(site.add("\"name\":\"ewc\",\"keys\":[" + keys + "]").body, "\"keys\":100"));
}

TEST_CASE("a name is one user's, in the file and in the configuration") {
  Site site;
  conf::User configured;
  configured.name = "ops", configured.password_hash = a_hash;
  site.configured->ssh.users = {configured};
  site.save("ewc");
  for (const auto* name : {"ewc", "ops"}) {
    const auto reply = site.add(with_key(name));
    CHECK(reply.status == 409);
    CHECK(has(reply.body, std::string("there is a user ") + name + " already"));
  }
  const auto change = site.change("ops", R"("uploads":true)");
  CHECK(change.status == 409);
  CHECK(has(change.body, "ops is defined in the configuration: change it there"));
  CHECK(site.send("DELETE", "users/ops").status == 409);
  CHECK(site.change("nobody", R"("uploads":true)").status == 404);
  CHECK(site.send("DELETE", "users/nobody").status == 404);
  const auto list = site.get("users");
  CHECK(column(list, "name") == std::vector<std::string>{"ops", "ewc"});
  CHECK(column(list, "defined_in") == std::vector<std::string>{"configuration", "users file"});
  CHECK_FALSE(has(list.body, "scrypt"));
  CHECK_FALSE(has(list.body, "AAAAC3"));
}

TEST_CASE("a change keeps what it does not name") {
  Site site;
  REQUIRE(site.add(with_key("ewc") + R"(,"password":"long enough for it","web":"viewer")").status == 201);
  const auto before = site.saved().at(0).password_hash;
  const auto reply = site.change("ewc", R"("uploads":true)");
  CHECK(has(reply.body, R"("password":true,"keys":1,"uploads":true,"web":"viewer","sftp":true)"));
  CHECK(site.saved().at(0).password_hash == before);
  CHECK(site.change("ewc", R"("name":"ewc","keys":[],"web":"admin")").status == 200);
  const auto after = site.saved().at(0);
  CHECK(after.authorized_keys.empty());
  CHECK(after.web == conf::WebRole::admin);
  CHECK(after.uploads);
  CHECK(site.acts.back().act == "change user");
  CHECK(site.acts.back().subject == "ewc");
}

TEST_CASE("a change undoes nothing that somebody else has written meanwhile") {
  struct Row {
    const char* members;
    unsigned status;
  };
  for (const auto& [members, status] : {Row{R"("uploads":true)", 200}, Row{R"("web":"viewer")", 400}}) {
    CAPTURE(members);
    Site site;
    REQUIRE(site.add(with_key("ewc") + R"(,"password":"long enough for it")").status == 201);
    auto lock = std::optional<storage::DirectoryLock>(std::in_place, site.file().parent_path());
    const auto answer = site.begin({.method = "PATCH",
                                    .path = "/api/v1/users/ewc",
                                    .content_type = "application/json",
                                    .body = "{" + std::string(members) + "}"});
    std::this_thread::sleep_for(std::chrono::milliseconds(500));  // by then it has read the file
    auto users = site.saved();
    users.at(0).password_hash.clear();
    users.at(0).sftp = false;
    conf::save_users(users, site.file());
    lock.reset();
    CHECK(site.wait_for(answer).status == status);
    const auto user = site.saved().at(0);
    CHECK(user.password_hash.empty());
    CHECK_FALSE(user.sftp);
    CHECK(user.uploads == (status == 200));
    CHECK(user.web == conf::WebRole::none);
  }
}

TEST_CASE("another password opens the account, and the one before does not") {
  Site site;
  REQUIRE(site.add(R"("name":"ewc","password":"the first")").status == 201);
  REQUIRE(site.change("ewc", R"("password":"the second")").status == 200);
  const auto hash = site.saved().at(0).password_hash;
  CHECK(verify_password("the second", hash));
  CHECK_FALSE(verify_password("the first", hash));
}

TEST_CASE("a change that would leave a user whom nobody may be is refused") {
  struct Row {
    const char *members, *why;
    unsigned status;
  };
  const Row rows[] = {{R"("name":"other")", "a user keeps the name: add another one", 400},
                      {R"("web":"viewer")", "a user of the page has a password", 400},
                      {R"("web":"viewer","password":"too short")", "at least 12 characters", 400},
                      {R"("root":"/none")", "there is no folder /none in images/", 400},
                      {R"("password":"")", "the password is empty", 400},
                      {R"("hash":"x")", "hash is not a member of a user", 400},
                      {R"("keys":[])", "so nobody could log in", 409}};
  Site site;
  site.save("ewc");
  for (const auto& row : rows) {
    CAPTURE(row.members);
    const auto reply = site.change("ewc", row.members);
    CHECK(reply.status == row.status);
    CHECK(has(reply.body, row.why));
  }
  const auto user = site.saved().at(0);
  CHECK(user.name == "ewc");
  CHECK(user.authorized_keys == std::vector<std::string>{key});
  CHECK(user.web == conf::WebRole::none);
}

TEST_CASE("a user who is removed is gone, and the others stay") {
  Site site;
  site.save("ewc");
  REQUIRE(site.add(with_key("ops")).status == 201);
  CHECK(site.send("DELETE", "users/ewc").status == 204);
  CHECK(column(site.get("users"), "name") == std::vector<std::string>{"ops"});
  CHECK(site.acts.back().act == "remove user");
  CHECK(site.acts.back().subject == "ewc");
}

TEST_CASE("a users file with a mistake is told with the list, and nobody changes it") {
  Site site;
  site.save("ewc");
  std::filesystem::permissions(site.file(), std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  const auto list = test::json(site.get("users"));
  CHECK(list["items"].size() == 0);
  REQUIRE(list["mistakes"].size() == 1);
  CHECK(has(list["mistakes"][0].as<std::string>(), "chmod 600"));
  const auto reply = site.add(with_key("ops"));
  CHECK(reply.status == 409);
  CHECK(has(reply.body, "`apdepot config check` shows what is wrong with the users file"));
  CHECK(has(site.acts.back().outcome, "chmod 600"));
}

TEST_CASE("a users file of the configuration that cannot be changed names the command that can") {
  Site site;
  site.configured->ssh.users_file = site.dir.write("elsewhere/users.yaml", "users: []\n");
  const auto reply = site.add(with_key("ops"));  // others may read the file
  CHECK(reply.status == 409);
  CHECK(has(reply.body, "the server may only read ssh.users_file: `sudo apdepot user`"));
}
