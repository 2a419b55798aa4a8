#include "server/accounts/user_book.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "conf/config_error.hpp"
#include "conf/load.hpp"
#include "conf/users.hpp"
#include "tests/support/host.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
using Why = UserBook::Refused::Why;
using Names = std::vector<std::string>;

namespace {

conf::User user(const std::string& name, const std::string& root = "/") {
  conf::User made;
  made.name = name;
  made.root = root;
  made.authorized_keys = {
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f someone"};
  return made;
}

struct House {
  test::TempDir dir;
  const std::filesystem::path file = dir / "users.yaml";
  conf::Settings settings = conf::load_defaults().settings;

  House() { settings.ssh.users = {user("boss")}; }
  void save(const std::vector<conf::User>& users) const { conf::save_users(users, file); }
  UserBook book() const { return UserBook(settings, file); }
  Names names() const {
    Names found;
    for (const auto& each : conf::load_users(file)) found.push_back(each.name);
    return found;
  }
  std::string text() const {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

// Which refusal, and its sentence.
std::pair<Why, std::string> refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const UserBook::Refused& refused) {
    return {refused.why, refused.what()};
  }
  FAIL("it was not refused");
  return {};
}

}  // namespace

TEST_CASE("a name is free when neither the file nor the configuration has it") {
  House house;
  house.save({user("ewc")});
  const auto book = house.book();
  for (const auto* name : {"ewc", "boss"}) {
    CHECK(refusal([&] { book.expect_free(name); }) ==
          std::pair(Why::taken, "there is a user " + std::string(name) + " already: `apdepot user passwd " +
                                    name + "` changes the password"));
  }
  for (const auto* name : {"", "ew", "ewc2", "EWC", "bos"}) CHECK_NOTHROW(book.expect_free(name));
}

TEST_CASE("who is in the configuration is changed there, and who is nowhere is missing") {
  House house;
  house.save({user("ewc", "/one")});
  auto book = house.book();
  CHECK(book.existing("ewc").root == "/one");
  CHECK(refusal([&] { book.existing("boss"); }) ==
        std::pair(Why::configured, std::string("boss is defined in the configuration: change it there")));
  CHECK(refusal([&] { book.existing("nobody"); }) ==
        std::pair(Why::missing, std::string("there is no user nobody")));
  CHECK(refusal([&] { book.existing(""); }).first == Why::missing);
}

TEST_CASE("who is in both places is changed in the file") {
  House house;
  house.save({user("boss", "/file")});
  auto book = house.book();
  CHECK(book.existing("boss").root == "/file");
  book.change([&] { book.existing("boss").root = "/changed"; });
  CHECK(house.book().existing("boss").root == "/changed");
}

TEST_CASE("a change is written, for the owner alone, and only the file's users are in it") {
  House house;
  auto book = house.book();
  CHECK(book.users().empty());
  book.change([&] { book.users().push_back(user("ewc", "/one")); });
  book.change([&] { book.users().push_back(user("ops")); });
  book.change([&] { book.existing("ewc").root = "/two"; });
  CHECK(house.names() == Names{"ewc", "ops"});
  CHECK(house.book().existing("ewc").root == "/two");
  CHECK(test::mode_of(house.file).value_or(0600) == 0600);
}

TEST_CASE("a change keeps what somebody else has written since the book was opened") {
  House house;
  house.save({user("ewc", "/one")});
  auto book = house.book(), other = house.book();
  other.change([&] {
    other.users().push_back(user("ops"));
    other.existing("ewc").root = "/others";
  });
  CHECK(book.users().size() == 1);
  std::size_t seen = 0;
  book.change([&] {
    seen = book.users().size();
    CHECK(book.existing("ewc").root == "/others");
    CHECK(refusal([&] { book.expect_free("ops"); }).first == Why::taken);
    book.users().push_back(user("third"));
  });
  CHECK(seen == 2);
  CHECK(house.names() == Names{"ewc", "ops", "third"});
}

TEST_CASE("a change that is refused half way writes nothing, and others may change the file after that") {
  House house;
  house.save({user("ewc", "/one")});
  const auto before = house.text();
  auto book = house.book();
  CHECK_THROWS_AS(book.change([&] {
    book.existing("ewc").root = "/two";
    book.existing("nobody").root = "/";
  }),
                  UserBook::Refused);
  CHECK(house.text() == before);
  auto other = house.book();
  other.change([&] { other.users().push_back(user("ops")); });
  book.change([&] { book.users().push_back(user("third")); });
  CHECK(house.names() == Names{"ewc", "ops", "third"});
  CHECK(house.book().existing("ewc").root == "/one");
}

TEST_CASE("users that the next start would refuse are not written") {
  House house;
  house.save({user("ewc")});
  const auto before = house.text();
  auto book = house.book();
  auto twice = user("ewc"), outside = user("out", "/../etc"), nameless = user("");
  for (const auto& bad :
       {twice, outside, nameless, user("a b"), user(".hidden"), user(std::string(33, 'n'))}) {
    CAPTURE(bad.name);
    CHECK_THROWS_AS(book.change([&] { book.users().push_back(bad); }), conf::ConfigError);
    CHECK(house.text() == before);
  }
}

TEST_CASE("a file with mistakes is neither opened nor written over") {
  House house;
  for (const std::string text : {"users:\n  - name: ewc\n    colour: blue\n", "users: [", "no: users\n"}) {
    CAPTURE(text);
    house.save({user("ewc")});
    auto book = house.book();
    house.dir.write("users.yaml", text);
    test::set_mode(house.file, 0600);
    CHECK_THROWS_AS(house.book(), conf::ConfigError);
    bool acted = false;
    CHECK_THROWS_AS(book.change([&] { acted = true; }), conf::ConfigError);
    CHECK_FALSE(acted);
    CHECK(house.text() == text);
  }
}

TEST_CASE("a file that others may read is not used") {
  House house;
  house.save({user("ewc")});
  auto book = house.book();
  if (!test::set_mode(house.file, 0640)) return;
  CHECK_THROWS_AS(house.book(), conf::ConfigError);
  CHECK_THROWS_AS(book.change([&] { book.users().clear(); }), conf::ConfigError);
  test::set_mode(house.file, 0600);
  CHECK(house.names() == Names{"ewc"});
}

TEST_CASE("the file may be named without a folder, and stays the same one when the folder changes") {
  House house;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(house.dir.path());
  UserBook book(house.settings, "users.yaml");
  std::filesystem::current_path(before);
  book.change([&] { book.users().push_back(user("ewc")); });
  CHECK(house.names() == Names{"ewc"});
}

TEST_CASE("of changes at once none is lost: each waits for the one before") {
  House house;
  house.save({});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      auto book = house.book();
      for (int change = 0; change < 5; ++change) {
        book.change(
            [&] { book.users().push_back(user("u" + std::to_string(i) + "." + std::to_string(change))); });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(house.names().size() == 20);
}
