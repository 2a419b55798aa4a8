#include "storage/files/windows_name.hpp"

#include <doctest/doctest.h>

#include <string>

using storage::is_windows_name;

TEST_CASE("images and folders have names that Windows allows") {
  for (const char* name :
       {"ap1g8", "ArubaOS_72xx_8.6.0.4_74969", "17_9_4a", ".new-x", "a b", "Müller", "日本", "com", "com10",
        "COMMON", "console", "nul1", "lpt", "x.nul", "~", "FOO~1"}) {
    CAPTURE(name);
    CHECK(is_windows_name(name));
  }
}

TEST_CASE("what is a device, a stream or a wildcard, or loses its end, is not a name") {
  using namespace std::string_view_literals;
  for (const auto name :
       {""sv,     "."sv,    ".."sv,      "a."sv,       "a "sv,    "a:b"sv,         "a::$DATA"sv, "a*"sv,
        "a?"sv,   "<a"sv,   "a>"sv,      "a|b"sv,      "\"a\""sv, "a/b"sv,         "a\\b"sv,     "a\tb"sv,
        "a\0b"sv, "nul"sv,  "NUL.txt"sv, "nul .txt"sv, "Con"sv,   "aux.a.b"sv,     "com1"sv,     "LPT9.bin"sv,
        "com0"sv, "COM¹"sv, "lpt².x"sv,  "CONIN$"sv,   "a\xff"sv, "\xed\xa0\x80"sv}) {
    CAPTURE(name);
    CHECK_FALSE(is_windows_name(name));
  }
}

TEST_CASE("a name has at most 255 UTF-16 units") {
  CHECK(is_windows_name(std::string(255, 'a')));
  CHECK_FALSE(is_windows_name(std::string(256, 'a')));
  std::string wide;
  for (int i = 0; i < 127; ++i) wide += "𝄞";
  CHECK(is_windows_name(wide + "a"));
  CHECK_FALSE(is_windows_name(wide + "ab"));
}
