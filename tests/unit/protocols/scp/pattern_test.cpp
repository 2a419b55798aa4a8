#include "protocols/scp/pattern.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "protocols/scp/name_search.hpp"

using namespace scp;

namespace {

bool matches(std::string_view pattern, std::string_view name) { return Pattern(pattern).matches(name); }

// Without sets, backslashes and dots.
bool plainly(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*')
    return plainly(pattern.substr(1), name) || (!name.empty() && plainly(pattern, name.substr(1)));
  return !name.empty() && (pattern[0] == '?' || pattern[0] == name[0]) &&
         plainly(pattern.substr(1), name.substr(1));
}

}  // namespace

TEST_CASE("patterns match as in a shell") {
  CHECK(matches("*", "a"));
  CHECK(matches("*.bin", "x.bin"));
  CHECK(matches("a*b*c", "aXbXbXc"));
  CHECK(matches("a*", "a"));
  CHECK(matches("a**b", "ab"));
  CHECK(matches("?", "x"));
  CHECK(matches("[a-c]x[!0-9]", "bxq"));
  CHECK(matches("[]x]", "]"));
  CHECK(matches("[a-]", "-"));
  CHECK(matches("[a\\-z]", "-"));
  CHECK(matches("a\\*", "a*"));
  CHECK(matches("[a", "[a"));
  CHECK(matches("[[a", "[[a"));
  CHECK(matches("[x][a", "x[a"));
  CHECK(matches("[\x80-\xff]", "\xe9"));
  CHECK(matches(".*", ".x"));
  CHECK(matches("\\.*", ".x"));
  CHECK_FALSE(matches("*", ".x"));
  CHECK_FALSE(matches("?x", ".x"));
  CHECK_FALSE(matches("[.]x", ".x"));
  CHECK_FALSE(matches("[a\\-z]", "m"));
  CHECK_FALSE(matches("[z-a]", "m"));
  CHECK_FALSE(matches("a\\*", "ab"));
  CHECK_FALSE(matches("[^a]", "a"));
  CHECK_FALSE(matches("a*b", "aXc"));
  CHECK_FALSE(matches("?", ""));
  CHECK_FALSE(matches("a", "ab"));
  CHECK_FALSE(matches("", "a"));
}

TEST_CASE("a pattern is as long as the longest name, stars aside") {
  const std::string name(255, 'a');
  CHECK(matches(std::string(255, '?'), name));
  CHECK(matches(std::string(255, '?') + "*", name));
  CHECK(matches(std::string(500, '*') + std::string(255, '?'), name));
  CHECK_FALSE(matches(std::string(256, '?'), name));
  CHECK_FALSE(matches(std::string(256, '?'), name + 'a'));
}

// Sets that do not end, each of which would be looked for to the end of the pattern, for each start that the
// star tries, for each name: with 2,000 names nobody would see the end of it.
TEST_CASE("no pattern costs more than its names are long") {
  const std::vector<std::string> patterns{
      "*" + std::string(127, '[') + "y" + std::string(850, '['),
      "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
      [] {
        std::string text;
        for (int i = 0; i < 120; ++i) text += "*?";
        return text + "b";
      }(),
  };
  for (const auto& text : patterns) {
    const Pattern pattern(text);
    for (const char c : {'[', 'a'}) {
      const std::string name(255, c);
      int matching = 0;
      for (int i = 0; i < 2'000; ++i) matching += pattern.matches(name) ? 1 : 0;
      CHECK(matching == 0);
    }
  }
}

TEST_CASE("patterns of a few characters match what the plainest matcher matches") {
  std::minstd_rand random(1);
  const auto text = [&random](std::string_view characters) {
    std::string made(random() % 8, ' ');
    for (auto& c : made) c = characters[random() % characters.size()];
    return made;
  };
  for (int i = 0; i < 5'000; ++i) {
    const auto pattern = text("ab*?"), name = text("abc");
    INFO(pattern << " and " << name);
    CHECK(matches(pattern, name) == plainly(pattern, name));
  }
}

TEST_CASE("a search keeps what matches, sorted by bytes, up to a bound") {
  NameSearch search("a*");
  for (const auto* name : {"ab", "b", "a", "a\xff", "aa"}) search.take(name);
  search.end();
  CHECK_FALSE(search.too_many());
  std::string all;
  for (std::size_t i = 0; i < search.size(); ++i) all.append(search[i]).append(" ");
  CHECK(all == "a aa ab a\xff ");
  for (int i = 0; i < 100'000; ++i) search.take("a" + std::to_string(i));
  CHECK(search.too_many());
  CHECK(search.size() < 10'000);
}
