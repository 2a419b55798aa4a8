#include "storage/files/path_text.hpp"

#include <doctest/doctest.h>

namespace fs = std::filesystem;
using storage::path_of;
using storage::utf8_of;

TEST_CASE("a path made of UTF-8 gives the same UTF-8 back") {
  for (const char* text :
       {"", "ap1g8", "/srv/images/EWC/17_9_4a", "Müller/日本/𝄞.bin", "a b/.lock", "../x"}) {
    CAPTURE(text);
    CHECK(utf8_of(path_of(text)) == text);
  }
}

TEST_CASE("a path made of UTF-8 has characters, not bytes") {
  CHECK(path_of("Müller") == fs::path(u8"Müller"));
  CHECK(path_of("a/ü.bin").filename() == fs::path(u8"ü.bin"));
  CHECK(path_of("a/ü.bin").extension() == fs::path(u8".bin"));
}

TEST_CASE("the text of a path has a slash between its components, whatever the system uses") {
  CHECK(utf8_of(path_of("images") / path_of("EWC") / path_of("ü")) == "images/EWC/ü");
  CHECK(utf8_of(fs::path("images/EWC").make_preferred()) == "images/EWC");
}
