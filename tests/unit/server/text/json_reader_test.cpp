#include "server/text/json_reader.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "server/text/json.hpp"

using namespace server;

namespace {

// The reason, or "" where the text can be read.
template <class Read>
std::string refusal(Read read, const std::string& text) {
  try {
    read(text, "the request");
    return "";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("members are read by their kind") {
  const auto node = read_object(
      R"({"text":"a\n\"b\"","count":18446744073709551615,"minus":-5,"part":1.5,"yes":true,"no":false,)"
      R"("list":[1,2],"inner":{"count":7},"nothing":null,"empty":""})",
      "the answer");
  CHECK(member<std::string>(node, "text") == "a\n\"b\"");
  CHECK(member<std::uint64_t>(node, "count") == 18446744073709551615U);
  CHECK(member<int>(node, "minus") == -5);
  CHECK(member<double>(node, "part") == 1.5);
  CHECK(member<bool>(node, "yes") == true);
  CHECK(member<bool>(node, "no") == false);
  CHECK(member<std::string>(node, "empty") == "");
  CHECK(member<std::uint64_t>(node["inner"], "count") == 7U);
}

TEST_CASE("a member that is missing, null or of another kind is nothing") {
  const auto node = read_object(
      R"({"text":"a","minus":-5,"large":4294967296,"part":1.5,"list":[1],"inner":{},"nothing":null})",
      "the answer");
  for (const auto* key : {"missing", "nothing", "text", "list", "inner", "part", "large"}) {
    CAPTURE(key);
    CHECK_FALSE(member<int>(node, key));
  }
  CHECK_FALSE(member<std::uint64_t>(node, "minus"));
  CHECK_FALSE(member<bool>(node, "text"));
  CHECK_FALSE(member<std::string>(node, "list"));
  CHECK_FALSE(member<std::string>(node, "nothing"));
  for (const auto* text : {"[1,2]", "7", "\"text\"", "null"}) {
    CAPTURE(text);
    CHECK_FALSE(member<std::string>(read_json(text, "the answer"), "text"));
  }
}

TEST_CASE("what is not JSON is refused, with whose it is") {
  for (const std::string text : {"{\"a\":", "[1,2", "{\"a\":1}}", "\"open", "{\"a\":\"\\q\"}", "*unknown"}) {
    CAPTURE(text);
    CHECK(refusal(read_json, text).starts_with("the request cannot be read: "));
    CHECK(refusal(read_object, text).starts_with("the request cannot be read: "));
  }
}

TEST_CASE("a surrogate pair is one character, and half of one is refused") {
  const auto read = [](const std::string& text) {
    return member<std::string>(read_object(R"({"text":")" + text + R"("})", "the request"), "text");
  };
  CHECK(read(R"(\ud83d\ude00)") == "\U0001f600");
  CHECK(read(R"(a\uD83D\uDE00\udb40\udc41z)") == "a\U0001f600\U000e0041z");
  CHECK(read(R"(\ud800\udc00\udbff\udfff)") == "\U00010000\U0010ffff");
  CHECK(read(R"(\\\ud83d\ude00)") == "\\\U0001f600");
  CHECK(read(R"(\\ud83d\\ude00)") == R"(\ud83d\ude00)");
  for (const std::string half :
       {R"(\ud83d)", R"(\ude00)", R"(\ude00\ud83d)", R"(\ud83d\ud83d\ude00)", R"(\ud83d\u0041)",
        R"(\ud83d\\ude00)", R"(\ud83d\ude0)", R"(\ud83dx\ude00)"}) {
    CAPTURE(half);
    CHECK(has(refusal(read_json, R"({"text":")" + half + R"("})"), "the request cannot be read: "));
  }
}

TEST_CASE("where an object is wanted nothing else will do") {
  for (const std::string text :
       {"", " \n", "null", "7", "\"text\"", "[]", "[{\"a\":1}]", "<html>404</html>"}) {
    CAPTURE(text);
    CHECK(refusal(read_json, text).empty());
    CHECK(refusal(read_object, text) == "the request is not a JSON object");
  }
  CHECK(refusal(read_object, "{}").empty());
}

TEST_CASE("hostile nesting is refused, and does not end the program") {
  for (const std::string open : {"[", "{\"a\":", "{\"a\":[", "- ", "? "}) {
    CAPTURE(open);
    std::string text;
    for (int i = 0; i < 50'000; ++i) text += open;
    CHECK(has(refusal(read_json, text), "the request cannot be read: "));
  }
}

TEST_CASE("what a server says to a terminal is one line that no terminal obeys") {
  const auto answer =
      server::read_json("{\"a\": \"x\\u001b[2J\\ny\", \"b\": 7, \"c\": \"caf\xc3\xa9 \\\\x1b\"}", "x");
  CHECK(server::text_said(answer, "a") == "x [2J y");
  CHECK(server::text_said(answer, "b") == "7");
  CHECK(server::text_said(answer, "c") == "caf\xc3\xa9 \\x1b");
  CHECK(server::text_said(answer, "d").empty());
  CHECK(server::text_said("a 1\n\x1b[2Jb 2\n") == "a 1\n[2Jb 2\n");
}

TEST_CASE("a program reads the very text that the server wrote") {
  for (const std::string text :
       {"", "/EWC/17_9_4a/ap1g8", "a \"b\" \\c\\", "a\n\t\r\x01\x7f", "caf\xc3\xa9 \u20ac", "\U0001f600",
        "\u202e\u2028\u00ad", "\U000e0041\U0010ffff", "\\\U000e0041", "# - : {}[]&*!|>'%@`", "null", "true",
        "7"}) {
    CAPTURE(text);
    JsonObject object;
    object.add("text", text, whole);
    CHECK(member<std::string>(read_object(object.text(), "the answer"), "text") == text);
  }
}
