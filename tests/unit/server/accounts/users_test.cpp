#include "server/accounts/users.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "conf/load.hpp"
#include "conf/users.hpp"
#include "storage/depot/depot.hpp"
#include "tests/support/host.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;

namespace {

constexpr auto key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f someone";

struct House {
  test::TempDir directory;
  storage::Depot depot{directory.path() / "depot"};
  Users users{depot};
  std::shared_ptr<conf::Settings> settings = std::make_shared<conf::Settings>(conf::load_defaults().settings);

  std::filesystem::path file() const { return users_file(*settings, depot); }
  void save(const std::vector<conf::User>& all) { conf::save_users(all, file()); }
  std::string root_of(const std::string& name) {
    const auto found = users.find(settings, name);
    return found.user ? found.user->user.root : "nobody";
  }
};

conf::User user(const std::string& name, const std::string& root) {
  conf::User result;
  result.name = name;
  result.root = root;
  result.authorized_keys = {key};
  return result;
}

}  // namespace

TEST_CASE("a user is found as soon as the file holds him, and no longer") {
  House house;
  CHECK(house.root_of("ewc") == "nobody");
  house.save({user("ewc", "/one")});
  CHECK(house.root_of("ewc") == "/one");
  house.save({user("ewc", "/two")});
  CHECK(house.root_of("ewc") == "/two");
  std::filesystem::remove(house.file());
  CHECK(house.root_of("ewc") == "nobody");
}

TEST_CASE("an unknown name tells which user may be meant, and a known one does not") {
  House house;
  house.save({user("ewc", "/one"), user("Ops", "/two"), user("ops", "/three")});
  const auto similar = [&](const std::string& name) {
    return house.users.find(house.settings, name).similar;
  };
  CHECK(similar("EWC") == "ewc");
  CHECK(similar(" ewc\r\n") == "ewc");
  CHECK(similar("OPS") == "ops");
  CHECK(similar("ops").empty());
  CHECK(similar("ew").empty());
  CHECK(similar("").empty());
}

TEST_CASE("a file that is written over in the same moment is read again") {
  House house;
  for (int i = 0; i < 20; ++i) {
    const auto root = i % 2 == 0 ? "/one" : "/two";
    {
      std::ofstream(house.file()) << "users:\n  - name: ewc\n    authorized_keys: [\"" << key
                                  << "\"]\n    root: " << root << "\n";
    }
    test::set_mode(house.file(), 0600);
    REQUIRE(house.root_of("ewc") == root);
  }
}

TEST_CASE("whom the configuration knows comes first, and a new configuration counts at once") {
  House house;
  house.save({user("ewc", "/file")});
  house.settings->ssh.users = {user("ewc", "/settings")};
  CHECK(house.root_of("ewc") == "/settings");
  house.settings = std::make_shared<conf::Settings>(*house.settings);
  house.settings->ssh.users = {};
  CHECK(house.root_of("ewc") == "/file");
}

TEST_CASE("mistakes of the file are told of those who are not found") {
  House house;
  { std::ofstream(house.file()) << "users:\n  - name: ewc\n    colour: blue\n"; }
  test::set_mode(house.file(), 0600);
  CHECK_FALSE(house.users.find(house.settings, "ewc").mistakes.empty());
}

TEST_CASE("keys come as libssh writes them, without those that it does not know") {
  House house;
  auto keyed = user("ewc", "/");
  keyed.authorized_keys = {key};
  house.settings->ssh.users = {keyed};
  const auto found = house.users.find(house.settings, "ewc");
  REQUIRE(found.user);
  REQUIRE(found.user->keys.size() == 1);
  CHECK(found.user->keys.front().base64 == found.user->keys.front().line.base64);
}

TEST_CASE("users are found on several threads at once while the file changes") {
  House house;
  house.save({user("ewc", "/one")});
  std::vector<std::thread> threads;
  std::vector<char> all_found(4, 0);
  for (std::size_t i = 0; i < all_found.size(); ++i) {
    threads.emplace_back([&, i] {
      bool found = true;
      for (int round = 0; round < 200; ++round) found = found && house.root_of("ewc") != "nobody";
      all_found[i] = found ? 1 : 0;
    });
  }
  for (int i = 0; i < 20; ++i) house.save({user("ewc", i % 2 == 0 ? "/two" : "/one")});
  for (auto& thread : threads) thread.join();
  for (const auto found : all_found) CHECK(found == 1);
}
