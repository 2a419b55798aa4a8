#include "protocols/http/range.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace protocols::http;

namespace {

constexpr std::uint64_t size = 1000;

Wanted wanted(std::string_view header) { return wanted_range(header, size); }
Wanted bytes(std::uint64_t first, std::uint64_t last) { return Span{first, last - first + 1}; }

}  // namespace

TEST_CASE("one range is served, cut to the file's end") {
  CHECK(wanted("bytes=0-0") == bytes(0, 0));
  CHECK(wanted("bytes=10-19") == bytes(10, 19));
  CHECK(wanted("bytes=990-") == bytes(990, 999));
  CHECK(wanted("bytes=990-5000") == bytes(990, 999));
  CHECK(wanted("bytes=-10") == bytes(990, 999));
  CHECK(wanted("bytes=-5000") == bytes(0, 999));
  CHECK(wanted("Bytes = 10 - 19") == bytes(10, 19));
  CHECK(wanted("bytes=0-99999999999999999999999999") == bytes(0, 999));
}

TEST_CASE("a range behind the file's end cannot be served") {
  CHECK(wanted("bytes=1000-") == Wanted(NotSatisfiable{}));
  CHECK(wanted("bytes=99999999999999999999999999-") == Wanted(NotSatisfiable{}));
  CHECK(wanted("bytes=-0") == Wanted(NotSatisfiable{}));
  CHECK(wanted_range("bytes=0-", 0) == Wanted(NotSatisfiable{}));
  CHECK(wanted_range("bytes=-5", 0) == Wanted(NotSatisfiable{}));
}

TEST_CASE("what is malformed, of another unit or of several ranges asks for the whole file") {
  for (const auto* header :
       {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=1-2x", "bytes=+1-2", "lines=1-2",
        "bytes=0-1,5-6", "bytes=0x0-5", "bytes 0-5", "bytes=1--2"}) {
    CAPTURE(header);
    CHECK(wanted(header) == Wanted(Whole{}));
  }
}

TEST_CASE("ten thousand ranges are answered with the whole file") {
  std::string header = "bytes=";
  for (int i = 0; i < 10'000; ++i) header += "0-,";
  CHECK(wanted(header) == Wanted(Whole{}));
}
