#include "server/text/escape.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <utility>

#include "server/text/json.hpp"

using namespace server;
using namespace std::string_literals;

TEST_CASE("escaping keeps what a person can read, and nothing that a terminal obeys") {
  CHECK(escaped("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80") == "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
  CHECK(escaped("a\\b\t\r\0\x7f"s) == "a\\\\b\\t\\r\\x00\\x7f"s);
  CHECK(escaped("\xc2\x9b"
                "31m") == "\\u009b31m");         // a C1 control: CSI
  CHECK(escaped(" a b  ") == "\\x20a b \\x20");  // where nobody sees it
  CHECK(escaped(" ") == "\\x20");
  CHECK(escaped("\xff\xc0\xaf\xed\xa0\x80\xe2\x82") ==
        "\\xff\\xc0\\xaf\\xed\\xa0\\x80\\xe2\\x82");  // not UTF-8
}

TEST_CASE("what is not seen, or turns text round, is escaped") {
  for (const auto& [text, shown] : std::initializer_list<std::pair<const char*, const char*>>{
           {"\u202e", "\\u202e"},         {"\u2066", "\\u2066"},         {"\u2028", "\\u2028"},
           {"\u2029", "\\u2029"},         {"\u200b", "\\u200b"},         {"\u200f", "\\u200f"},
           {"\ufeff", "\\ufeff"},         {"\u00ad", "\\u00ad"},         {"\u061c", "\\u061c"},
           {"\u180e", "\\u180e"},         {"\u00a0", "\\u00a0"},         {"\u1680", "\\u1680"},
           {"\u2003", "\\u2003"},         {"\u202f", "\\u202f"},         {"\u3000", "\\u3000"},
           {"\u115f", "\\u115f"},         {"\u3164", "\\u3164"},         {"\ufe0f", "\\ufe0f"},
           {"\ue000", "\\ue000"},         {"\uffff", "\\uffff"},         {"\u2800", "\\u2800"},
           {"\u2064", "\\u2064"},         {"\u206f", "\\u206f"},         {"\ufff9", "\\ufff9"},
           {"\U000e0041", "\\U000e0041"}, {"\U000e0100", "\\U000e0100"}, {"\U000f0000", "\\U000f0000"},
           {"\U0010fffe", "\\U0010fffe"}, {"\U0001d173", "\\U0001d173"}}) {
    CHECK(escaped(text) == shown);
  }
}

TEST_CASE("letters of every script stay, with the marks that they have") {
  for (const auto* text : {"Größe", "Ελληνικά", "Русский", "עברית שָׁלוֹם", "العربية", "हिन्दी", "ไทย ที่", "中文",
                           "한국어", "日本語", "e\u0301", "o\u0302\u0323", "Ẻ", "ⵣ", "𐍈", "😀"}) {
    CHECK(escaped(text) == text);
  }
}

TEST_CASE("a pile of marks is cut down to four, and none stands on what is not its letter") {
  CHECK(escaped("a\u0301\u0302\u0303\u0304\u0305\u0306") == "a\u0301\u0302\u0303\u0304\\u0305\\u0306");
  CHECK(escaped("\u0338x\u0338") == "\\u0338x\u0338");  // it would strike out what we wrote before it
  CHECK(escaped("\n\u0338") == "\\n\\u0338");
}

TEST_CASE("of a long text the end is left out, and how much that is said") {
  CHECK(escaped(std::string(200, 'a')) == std::string(200, 'a'));
  CHECK(escaped(std::string(9000, 'a')) == std::string(175, 'a') + "... (8825 bytes more)");
  CHECK(escaped(std::string(9000, 'a'), 1024).size() < 1024);
  CHECK(escaped(std::string(9000, 'a'), whole).size() == 9000);
  // Neither an escape nor a character is cut through.
  const auto controls = escaped(std::string(500, '\x01'));
  CHECK(controls.find("... (") % 4 == 0);
  CHECK(controls.size() <= 200);
  std::string euros;
  for (int i = 0; i < 300; ++i) euros += "\u20ac";
  const auto cut = escaped(euros);
  CHECK(cut.find("... (") % 3 == 0);
  CHECK(cut.ends_with("... (375 bytes more)"));
}

TEST_CASE("the path of a file that is served stays whole, unless a client named it") {
  const auto name = std::string(254, 'n');
  const auto path = "/" + name + "/" + name + "/" + name + "/" + name;
  CHECK(escaped_path(path) == path);
  CHECK(escaped_path("/uploads" + path).size() <= most_of_client);
}

TEST_CASE("a line has an end, which is not in the middle of an escape") {
  CHECK(bounded_line("abc", 3) == "abc");
  CHECK(bounded_line("abcdefgh", 7) == "abcd...");
  CHECK(bounded_line("ab\\x01\\x02", 8) == "ab...");
  CHECK(bounded_line("ab\\x01\\x02", 9) == "ab\\x01...");
  CHECK(bounded_line("a\\\\\\\\\\\\", 6) == "a\\\\...");
  CHECK(bounded_line("\u20ac\u20ac\u20ac", 8) == "\u20ac...");
}

TEST_CASE("a text in JSON is what it is in the classic log") {
  JsonObject object;
  object.add("name", "a\u2028\u202e\"\\");
  CHECK(object.text() == R"({"name":"a\\u2028\\u202e\"\\\\"})");
}
