#include "server/text/flat_json.hpp"

#include <doctest/doctest.h>

using namespace server;

TEST_CASE("an object of texts is read") {
  using Members = std::map<std::string, std::string>;
  CHECK(flat_json("{}") == Members{});
  CHECK(flat_json(" {\"a\" : \"b\" ,\n\"c\":\"\"} ") == Members{{"a", "b"}, {"c", ""}});
  CHECK(flat_json(R"({"a":"\"\\\/\b\f\n\r\t"})") == Members{{"a", "\"\\/\b\f\n\r\t"}});
  CHECK(flat_json(R"({"a":"\u00e4\u20ac\ud83d\ude00ü"})") == Members{{"a", "ä€😀ü"}});
}

TEST_CASE("everything else is not") {
  for (const auto* text : {"",
                           "[]",
                           "null",
                           "\"a\"",
                           "{",
                           "}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1}",
                           "{\"a\":null}",
                           "{\"a\":{}}",
                           "{\"a\":[\"b\"]}",
                           "{\"a\":\"b\",}",
                           "{,}",
                           "{\"a\":\"b\"}x",
                           "{\"a\":\"b\" \"c\":\"d\"}",
                           "{\"a\":\"b\",\"a\":\"c\"}",
                           "{'a':'b'}",
                           "{a:\"b\"}",
                           "{\"a\":\"\n\"}",
                           "{\"a\":\"b}",
                           "{\"a\":\"\\\"}",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\u12\"}",
                           "{\"a\":\"\\u12g4\"}",
                           "{\"a\":\"\\ud83d\"}",
                           "{\"a\":\"\\ud83d\\u0041\"}",
                           "{\"a\":\"\\ude00\"}",
                           "{\"a\":\"\xff\"}",
                           "{\"a\":\"\xc3\"}"})
    CHECK_MESSAGE(!flat_json(text), text);
  CHECK_FALSE(flat_json(std::string(65536, '{')));
  CHECK_FALSE(flat_json(std::string("{\"a\":\"b\"}\0", 10)));
}
