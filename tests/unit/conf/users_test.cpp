#include "conf/users.hpp"

#include <doctest/doctest.h>

#include "conf/load.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/path_text.hpp"
#include "tests/support/host.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;

namespace {

constexpr const char* public_key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKhUkl8W5nicXxcNpK/sTqp2KmJYkjQHxndXEXhX1L1C";
constexpr const char* hash = "$scrypt$ln=14,r=8,p=5$c2FsdHNhbHQ$aGFzaGhhc2g=";

fs::path write_private(const test::TempDir& dir, std::string_view content) {
  const auto file = dir / "users.yaml";
  storage::write_durably(file, content, 0600);
  return file;
}

std::string error_of(const fs::path& file) try {
  conf::load_users(file);
  return "";
} catch (const conf::ConfigError& error) {
  return error.what();
}

}  // namespace

TEST_CASE("users that were saved come back the same, and only the owner may read them") {
  const test::TempDir dir;
  const auto file = dir / "users.yaml";
  conf::save_users(
      {{"ewc", hash, {}, "/", false},
       {"site-7.ops", "", {std::string(public_key) + " \"a\" # b: c", public_key}, "/EWC/17 9", true}},
      file);
  CHECK(test::mode_of(file).value_or(0600) == 0600);

  const auto users = conf::load_users(file);
  REQUIRE(users.size() == 2);
  CHECK(users[0].name == "ewc");
  CHECK(users[0].password_hash == hash);
  CHECK(users[0].authorized_keys.empty());
  CHECK(users[0].root == "/");
  CHECK_FALSE(users[0].uploads);
  CHECK(users[1].name == "site-7.ops");
  CHECK(users[1].password_hash.empty());
  CHECK(users[1].authorized_keys ==
        std::vector<std::string>{std::string(public_key) + " \"a\" # b: c", public_key});
  CHECK(users[1].root == "/EWC/17 9");
  CHECK(users[1].uploads);

  conf::save_users({}, file);
  CHECK(conf::load_users(file).empty());
}

TEST_CASE("no users file, or an empty one, means no users") {
  const test::TempDir dir;
  CHECK(conf::load_users(dir / "none").empty());
  CHECK(conf::load_users(write_private(dir, "")).empty());
  CHECK(conf::load_users(write_private(dir, "users: []\n")).empty());
}

TEST_CASE("a mistake in the users file is told as one in the configuration") {
  const test::TempDir dir;
  const auto place = storage::utf8_of(dir / "users.yaml");
  CHECK(error_of(write_private(dir, "users:\n  - name: a/b\n    password_hash: hunter2\n    rot: /\n")) ==
        place +
            ":2: users[0].name: must be 1 to 32 of the characters A-Z a-z 0-9 . _ - with neither \".\" nor "
            "\"-\" first\n" +
            place +
            ":3: users[0].password_hash: must be a hash, $scrypt$ln=14,r=8,p=5$SALT$HASH, never the password "
            "itself; make it with: apdepot user passwd NAME\n" +
            place + ":4: users[0].rot is not a key; did you mean users[0].root?");
  CHECK(error_of(write_private(dir, "user: []\n")) == place + ":1: user is not a key; did you mean users?");
  CHECK(error_of(write_private(dir, "users: [\n")).starts_with(place + ":2: is not YAML"));
  CHECK(error_of(dir.path()) == "cannot read " + storage::utf8_of(dir.path()) + ": it is a folder");
}

TEST_CASE("a mistake is one user's and not everybody's") {
  const test::TempDir dir;
  const std::string good = std::string("\n    password_hash: ") + hash + "\n";
  for (const std::string mistake :
       {"name: a/b", "name: ewc\n    rot: /EWC", "name: ewc\n    root: EWC", "name: ewc\n    name: ops",
        "name: ewc\n    authorized_keys: [ssh-ed25519]", "name: good", "uploads: false"}) {
    CAPTURE(mistake);
    const auto file = write_private(
        dir, "users:\n  - name: good" + good + "  - " + mistake + good + "  - name: last" + good);
    const auto usable = conf::load_usable_users(file);
    REQUIRE(usable.users.size() == 2);
    CHECK(usable.users[0].name == "good");
    CHECK(usable.users[1].name == "last");
    REQUIRE(usable.mistakes.size() == 1);
    CHECK(usable.mistakes.front() == error_of(file));
    CHECK(usable.mistakes.front().starts_with(storage::utf8_of(file) + ":"));
  }
  CHECK(conf::load_usable_users(write_private(dir, "users: [\n")).users.empty());
  CHECK(conf::load_usable_users(dir / "none").mistakes.empty());
}

TEST_CASE("users that could not be read back are not written") {
  const test::TempDir dir;
  const auto file = dir / "users.yaml";
  const conf::User good{"ewc", hash, {}, "/", false};
  conf::save_users({good}, file);
  for (const auto& bad : {conf::User{"a/b", hash, {}, "/", false}, conf::User{"ops", "", {}, "/", false},
                          conf::User{"ops", hash, {"no key"}, "/", false}, good}) {
    CAPTURE(bad.name);
    CHECK_THROWS_AS(conf::save_users({good, bad}, file), conf::ConfigError);
    CHECK(conf::load_users(file).size() == 1);
  }
}

TEST_CASE("a user's name is safe in a log and in a path") {
  for (const std::string name : {"a", "ewc", "site-7.ops", "A_9", "0"}) {
    CAPTURE(name);
    CHECK(conf::is_user_name(name));
  }
  using namespace std::string_view_literals;
  for (const auto name :
       {""sv, "-a"sv, ".a"sv, ".."sv, "a/b"sv, "a b"sv, "a\n"sv, "a\0b"sv, "\xc3\xa4"sv, "a:b"sv, "a@b"sv}) {
    CAPTURE(name);
    CHECK_FALSE(conf::is_user_name(name));
  }
  CHECK(conf::is_user_name(std::string(32, 'x')));
  CHECK_FALSE(conf::is_user_name(std::string(33, 'x')));
}
