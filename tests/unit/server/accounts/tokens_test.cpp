#include "server/accounts/tokens.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "conf/config_error.hpp"
#include "conf/tokens.hpp"
#include "tests/support/host.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;

namespace {

struct House {
  test::TempDir dir;
  Tokens tokens;
  const std::filesystem::path file = dir / "tokens.yaml";

  void save(const std::vector<conf::Token>& all) const { conf::save_tokens(all, file); }
  // Written over in place: the inode stays.
  void write(const std::string& text) const {
    { std::ofstream(file, std::ios::binary) << text; }
    test::set_mode(file, 0600);
  }
  std::string whose(std::string_view shown) {
    const auto found = tokens.find(file, shown);
    return found ? found->name : "nobody's";
  }
};

conf::Token token(const std::string& name, const std::string& text,
                  conf::WebRole role = conf::WebRole::viewer) {
  return {name, role, sha256_of(text)};
}

std::string entry(const std::string& name, const std::string& text) {
  return "tokens:\n  - name: " + name + "\n    sha256: " + sha256_of(text) + "\n";
}

}  // namespace

TEST_CASE("the tokens file lies beside the users file") {
  CHECK(tokens_file("/etc/apdepot/people.yaml") == "/etc/apdepot/tokens.yaml");
  CHECK(tokens_file("people.yaml") == "tokens.yaml");
}

TEST_CASE("a digest is SHA-256 in lower case") {
  CHECK(sha256_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_of(std::string_view("a\0b", 3)) != sha256_of("a"));
}

TEST_CASE("random text has the length that so many bytes need, and no character that a URL must escape") {
  struct Row {
    std::size_t bytes, characters;
  };
  std::set<char> used;
  for (const auto& row :
       {Row{0, 0}, Row{1, 2}, Row{2, 3}, Row{3, 4}, Row{16, 22}, Row{32, 43}, Row{3000, 4000}}) {
    const auto text = random_text(row.bytes);
    CHECK(text.size() == row.characters);
    used.insert(text.begin(), text.end());
  }
  CHECK(used.size() == 64);
  for (const char c : used) CHECK((std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_'));
}

TEST_CASE("no two tokens are the same, and each says what it is") {
  std::set<std::string> made;
  for (int i = 0; i < 1000; ++i) {
    const auto text = make_token();
    REQUIRE(text.starts_with("apd_"));
    REQUIRE(text.size() == 47);
    made.insert(text);
  }
  CHECK(made.size() == 1000);
}

TEST_CASE("a token is found by its whole text and by nothing else") {
  House house;
  const auto text = make_token();
  house.save({token("script", text)});
  CHECK(house.whose(text) == "script");
  auto upper = text;
  std::ranges::transform(upper, upper.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  for (const auto& shown : {std::string(), sha256_of(text), text.substr(1), text.substr(0, text.size() - 1),
                            text + "\n", " " + text, text + '\0', upper, std::string("script")}) {
    CAPTURE(shown);
    CHECK(house.whose(shown) == "nobody's");
  }
}

TEST_CASE("each token has its own name and role, whichever place it has in the file") {
  House house;
  std::vector<conf::Token> all;
  for (int i = 0; i < 20; ++i) {
    const auto number = std::to_string(i);
    all.push_back(
        token("t" + number, "text" + number, i % 3 == 0 ? conf::WebRole::admin : conf::WebRole::viewer));
  }
  house.save(all);
  for (int i = 0; i < 20; ++i) {
    const auto found = house.tokens.find(house.file, "text" + std::to_string(i));
    REQUIRE(found);
    CHECK(found->name == "t" + std::to_string(i));
    CHECK(found->role == (i % 3 == 0 ? conf::WebRole::admin : conf::WebRole::viewer));
  }
}

TEST_CASE("a token counts as soon as the file has it, and no longer") {
  House house;
  CHECK(house.whose("one") == "nobody's");
  house.save({token("first", "one")});
  CHECK(house.whose("one") == "first");
  house.save({token("renamed", "one"), token("second", "two")});
  CHECK(house.whose("one") == "renamed");
  CHECK(house.whose("two") == "second");
  house.save({token("second", "two")});
  CHECK(house.whose("one") == "nobody's");
  std::filesystem::remove(house.file);
  CHECK(house.whose("two") == "nobody's");
}

TEST_CASE("a file that is written over in the same moment, with the same size, is read again") {
  House house;
  for (int i = 0; i < 20; ++i) {
    const std::string text = i % 2 == 0 ? "one" : "two", other = i % 2 == 0 ? "two" : "one";
    house.write(entry("name", text));
    REQUIRE(house.whose(text) == "name");
    REQUIRE(house.whose(other) == "nobody's");
  }
}

TEST_CASE("a file that is wrong or open to others is an error, and what it said before counts no more") {
  House house;
  const auto good = entry("name", "one");
  house.write(good);
  CHECK(house.whose("one") == "name");
  for (const unsigned mode : {0640U, 0620U, 0604U, 0602U}) {
    CAPTURE(mode);
    house.write(good);
    if (test::set_mode(house.file, mode)) CHECK_THROWS_AS(house.whose("one"), conf::ConfigError);
  }
  for (const std::string bad :
       {"tokens: [", "tokens:\n  - name: name\n", "colour: blue\n",
        "tokens:\n  - name: a b\n    sha256: 00\n", "tokens:\n  - name: name\n    sha256: ABC\n"}) {
    CAPTURE(bad);
    house.write(bad);
    for (int i = 0; i < 2; ++i) CHECK_THROWS_AS(house.whose("one"), conf::ConfigError);
  }
  house.write(good);
  CHECK(house.whose("one") == "name");
}

TEST_CASE("another file has its own tokens, asked about in turn") {
  House house;
  const auto other = house.dir / "other.yaml";
  house.save({token("here", "one")});
  conf::save_tokens({token("there", "two")}, other);
  for (int i = 0; i < 3; ++i) {
    CHECK(house.whose("one") == "here");
    CHECK(house.whose("two") == "nobody's");
    CHECK(house.tokens.find(other, "two").value().name == "there");
    CHECK_FALSE(house.tokens.find(other, "one"));
  }
}

TEST_CASE("on several threads at once every answer is the old file's or the new one's") {
  House house;
  house.save({token("one", "always"), token("old", "changing")});
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 100; ++round) {
        if (house.whose("always") != "one") ++wrong;
        const auto changing = house.whose("changing");
        if (changing != "old" && changing != "new") ++wrong;
        if (house.whose("unknown") != "nobody's") ++wrong;
      }
    });
  }
  for (int i = 0; i < 20; ++i)
    house.save({token("one", "always"), token(i % 2 == 0 ? "new" : "old", "changing")});
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}
