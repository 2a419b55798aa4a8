#include "storage/files/pointer.hpp"

#include <doctest/doctest.h>

using storage::pointer_target;

TEST_CASE("a pointer names one folder beside it, however an editor ends the line") {
  for (const auto* content : {"17_9_4a", "17_9_4a\n", "17_9_4a\r\n", "17_9_4a \r\n", "17_9_4a\n\n"})
    CHECK(pointer_target(content) == "17_9_4a");
  CHECK(pointer_target("a release") == "a release");
  CHECK(pointer_target(storage::pointer_to("17_9_4a")) == "17_9_4a");
}

TEST_CASE("what is not the name of a folder beside it is not a pointer") {
  using namespace std::string_view_literals;
  for (const auto content : {""sv, "\n"sv, "."sv, "..\n"sv, "../ME"sv, "EWC/17_9_4a"sv, "/etc"sv, "a\\b"sv,
                             "C:"sv, "17_9_4a\n17_12_1\n"sv, "17\t9"sv, "17\0009"sv, "current\n"sv}) {
    CAPTURE(content);
    CHECK_FALSE(pointer_target(content));
  }
  CHECK_FALSE(pointer_target(std::string(storage::longest_pointer + 1, 'a')));
}
