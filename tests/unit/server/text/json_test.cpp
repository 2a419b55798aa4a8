#include "server/text/json.hpp"

#include <doctest/doctest.h>

using namespace server;

TEST_CASE("an object is put together member by member") {
  JsonObject object;
  CHECK(object.text() == "{}");
  object.add("flag", true);
  object.add("count", 7);
  object.add("seconds", 1.5);
  object.add("text", "a");
  object.add_safe("safe", "b");
  object.add_raw("list", json_list({"1", "null"}));
  CHECK(object.text() == R"({"flag":true,"count":7,"seconds":1.5,"text":"a","safe":"b","list":[1,null]})");
}

TEST_CASE("a hostile text is escaped as in the log, and as long as there") {
  JsonObject object;
  object.add("name", "a\n\"b\"\\");
  CHECK(object.text() == R"({"name":"a\\n\"b\"\\\\"})");
  JsonObject cut;
  cut.add("name", std::string(1000, 'x'), 10);
  CHECK(cut.text().size() < 40);
}

TEST_CASE("a whole text is kept as it is, for a program that wants the very path") {
  JsonObject object;
  object.add("path", "/a\n\x1b/\"\\ä", whole);
  CHECK(object.text() == "{\"path\":\"/a\\u000a\\u001b/\\\"\\\\ä\"}");
  CHECK(json_text("\xff"
                  "a") == "\"\\ufffda\"");
  CHECK(json_text("\u202e") == "\"\\u202e\"");  // turns what follows round
  CHECK(json_texts({"a", "\""}) == R"(["a","\""])");
}
