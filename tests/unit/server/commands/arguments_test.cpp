#include "server/commands/arguments.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace server;

namespace {

constexpr Flag known[]{{"--depot", "DIR", "where it lies"}, {"--json", "", "print JSON"}};

Arguments parse(std::vector<std::string> words) {
  words.insert(words.begin(), "apdepot");
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  return {pointers, known};
}

std::string mistake(std::vector<std::string> words) {
  try {
    parse(std::move(words));
  } catch (const UsageError& e) {
    return e.what();
  }
  return {};
}

}  // namespace

TEST_CASE("flags stand anywhere, in either spelling, and the last one counts") {
  const auto arguments = parse({"--depot", "a", "import", "--json", "--depot=b", "x.zip"});
  CHECK(arguments.program() == "apdepot");
  CHECK(arguments.words() == std::vector<std::string>{"import", "x.zip"});
  CHECK(arguments.value("--depot") == "b");
  CHECK(arguments.values("--depot") == std::vector<std::string>{"a", "b"});
  CHECK(arguments.has("--json"));
  CHECK_FALSE(arguments.has("--config"));
  CHECK(parse({"--depot="}).value("--depot") == "");
}

TEST_CASE("behind -- each word is a word, and so is a single dash") {
  const auto arguments = parse({"diagnose", "-", "--", "--json"});
  CHECK(arguments.words() == std::vector<std::string>{"diagnose", "-", "--json"});
  CHECK_FALSE(arguments.has("--json"));
}

TEST_CASE("a wrong flag is told by its name") {
  CHECK(mistake({"--jsno"}) == "--jsno is not a flag of apdepot");
  CHECK(mistake({"-j"}) == "-j is not a flag of apdepot");
  CHECK(mistake({"--json=1"}) == "--json takes no value");
  CHECK(mistake({"--depot"}) == "--depot needs a value: --depot DIR");
}

TEST_CASE("words are taken one by one, and what is left over is an error") {
  auto arguments = parse({"import", "x.zip"});
  CHECK(arguments.take_word("COMMAND") == "import");
  CHECK_THROWS_WITH_AS(arguments.expect_no_more(), "unexpected argument x.zip", UsageError);
  CHECK(arguments.take_word("FILE") == "x.zip");
  arguments.expect_no_more();
  CHECK_THROWS_WITH_AS(arguments.take_word("FILE"), "FILE is missing", UsageError);
}

TEST_CASE("a value is taken as it is, whatever it looks like") {
  CHECK(parse({"--depot", "--json"}).value("--depot") == "--json");
  CHECK_FALSE(parse({"--depot", "--json"}).has("--json"));
  CHECK(parse({"--depot", "--", "x"}).value("--depot") == "--");
  CHECK(parse({"--depot=a=b"}).value("--depot") == "a=b");
  CHECK(parse({"--depot", ""}).value("--depot") == "");
  CHECK(parse({"", "x"}).words() == std::vector<std::string>{"", "x"});
}

TEST_CASE("a flag is not known by its beginning, and its name is told without its value") {
  CHECK(mistake({"--dep=x"}) == "--dep is not a flag of apdepot");
  CHECK(mistake({"--depots"}) == "--depots is not a flag of apdepot");
  CHECK(mistake({"--=x"}) == "-- is not a flag of apdepot");
  CHECK(mistake({"--json="}) == "--json takes no value");
  CHECK(mistake({"x", "--", "--jsno"}).empty());
  CHECK(mistake({"--depot", "a", "--depot"}) == "--depot needs a value: --depot DIR");
}
