#include "protocols/http/target.hpp"

#include <doctest/doctest.h>

using namespace protocols::http;

namespace {

std::string name_of(std::string_view target) {
  const auto parsed = parse_target(target);
  return parsed ? parsed->name : "none";
}

}  // namespace

TEST_CASE("a target is a name and what stands behind its question mark") {
  CHECK(name_of("/EWC/17_9_4a/ap1g8") == "/EWC/17_9_4a/ap1g8");
  CHECK(name_of("/EWC?json") == "/EWC");
  CHECK(parse_target("/EWC/?json")->query == "json");
  CHECK(parse_target("/EWC/?")->query.empty());
  CHECK(name_of("http://192.0.2.2:80/EWC/ap1g8") == "/EWC/ap1g8");
  CHECK(name_of("http://192.0.2.2") == "/");
}

TEST_CASE("percent signs are decoded once, and none where one of them encodes nothing") {
  CHECK(name_of("/a%20b%2Fc") == "/a b/c");
  CHECK(name_of("/%252e") == "/%2e");
  CHECK(name_of("/100%") == "/100%");
  CHECK(name_of("/a%20100%") == "/a%20100%");
  CHECK(name_of("/%zz%4") == "/%zz%4");
  CHECK(name_of("/%00") == std::string("/\0", 2));
}

TEST_CASE("what names no file is not a target") {
  for (const auto* target : {"", "*", "ap1g8", "host:443", "ftp://host/a"}) {
    CAPTURE(target);
    CHECK_FALSE(parse_target(target));
  }
}

TEST_CASE("whatever a path holds, it comes back from a URL") {
  std::string all = "/";
  for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
  CHECK(name_of(encoded_path(all)) == all);
  CHECK(encoded_path("/a b<\"") == "/a%20b%3C%22");
}
