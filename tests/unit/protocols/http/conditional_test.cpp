#include "protocols/http/conditional.hpp"

#include <doctest/doctest.h>

#include "protocols/http/date.hpp"

using namespace protocols::http;

namespace {

const Validators strong{"\"abc\"", 784'111'777}, weak{"W/\"abc\"", 784'111'777};

bool has(std::string_view etags, const Validators& file = strong) {
  return is_not_modified({.if_none_match = etags, .if_modified_since = {}, .if_range = {}}, file);
}
bool has_since(std::int64_t time) {
  const auto text = date_text(time);
  return is_not_modified({.if_none_match = {}, .if_modified_since = text, .if_range = {}}, strong);
}
bool counts(std::string_view if_range, const Validators& file = strong) {
  return range_counts({.if_none_match = {}, .if_modified_since = {}, .if_range = if_range}, file);
}

}  // namespace

TEST_CASE("a client that names the file's ETag has it") {
  CHECK(has("\"abc\""));
  CHECK(has("W/\"abc\""));
  CHECK(has("\"abc\"", weak));
  CHECK(has("\"x\", W/\"y\" ,\"abc\""));
  CHECK(has("\"a,b\", \"abc\""));
  CHECK(has("*"));
}

TEST_CASE("another ETag, or what is none, is not the file's") {
  for (const auto* etags : {"\"abd\"", "abc", "\"abc", "\"\"", ",", "W/", "\"x\" abc", "\"x\", *"}) {
    CAPTURE(etags);
    CHECK_FALSE(has(etags));
  }
}

TEST_CASE("without an ETag the time decides, and with one it does not") {
  CHECK(has_since(784'111'777));
  CHECK(has_since(784'111'778));
  CHECK_FALSE(has_since(784'111'776));
  CHECK_FALSE(is_not_modified({}, strong));
  const auto later = date_text(784'111'999);
  CHECK_FALSE(
      is_not_modified({.if_none_match = "\"x\"", .if_modified_since = later, .if_range = {}}, strong));
}

TEST_CASE("a range counts where the client's part is of this very file") {
  CHECK(counts(""));
  CHECK(counts("\"abc\""));
  CHECK(counts("Sun, 06 Nov 1994 08:49:37 GMT"));
  CHECK_FALSE(counts("\"abd\""));
  CHECK_FALSE(counts("Sun, 06 Nov 1994 08:49:38 GMT"));
  CHECK_FALSE(counts("nonsense"));
  CHECK_FALSE(counts("W/\"abc\"", weak));
  CHECK_FALSE(counts("\"abc\"", weak));
}
