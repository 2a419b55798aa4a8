#include "storage/files/one_line.hpp"

#include <doctest/doctest.h>

#include "storage/archives/rejected.hpp"

using storage::one_line;

TEST_CASE("what is one line stays as it is, in any language") {
  for (const auto* text : {"", "a", "two words", "größer als 17 → zu groß", "\xf0\x9f\x98\x80"})
    CHECK(one_line(text) == text);
}

TEST_CASE("each run of what breaks a line or steers a terminal is one space, and none at the ends") {
  CHECK(one_line("\n\ta\r\nb \n c\n") == "a b c");
  CHECK(one_line(std::string_view("a\0b", 3)) == "a b");
  CHECK(one_line("a\x1b[31mb\x7f") == "a [31mb");
  CHECK(one_line("a\xc2\x85z\xc2\x9b") == "a z");  // C1: next line, control sequence
}

TEST_CASE("what breaks lines or turns text round elsewhere goes too") {
  CHECK(one_line("a\xe2\x80\xa8"
                 "b\xe2\x80\xa9"
                 "c") == "a b c");  // U+2028, U+2029
  CHECK(one_line("a\xe2\x80\xae"
                 "b\xe2\x81\xa6"
                 "c") == "a b c");  // U+202E, U+2066
  CHECK(one_line("a\xe2\x80\x8b"
                 "b\xef\xbb\xbf"
                 "c\xd8\x9c"
                 "d") == "a b c d");  // U+200B, U+FEFF, U+061C
}

TEST_CASE("bytes that are not UTF-8 become question marks") {
  CHECK(one_line("a\xff"
                 "b\xc3") == "a?b?");
  CHECK(one_line("\xe2\x80") == "??");
  CHECK(one_line("\xc0\x8a") == "??");       // an overlong newline
  CHECK(one_line("\xed\xa0\x80") == "???");  // half of a surrogate
}

TEST_CASE("a rejection is one line") {
  CHECK(std::string(storage::Rejected("damaged (wrong size\n)").what()) == "damaged (wrong size )");
}
