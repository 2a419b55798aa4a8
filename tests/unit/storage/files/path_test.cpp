#include "storage/files/path.hpp"

#include <doctest/doctest.h>

using storage::AboveRoot;
using storage::Path;
using storage::PathError;
using namespace std::string_view_literals;

TEST_CASE("a name becomes components, however its slashes are written") {
  struct Row {
    std::string_view asked, text;
  };
  for (const auto& [asked, text] : {Row{"/EWC/17_9_4a/ap1g8", "/EWC/17_9_4a/ap1g8"},
                                    {"EWC/17_9_4a/ap1g8", "/EWC/17_9_4a/ap1g8"},
                                    {"//EWC//17_9_4a/./ap1g8/", "/EWC/17_9_4a/ap1g8"},
                                    {"/", "/"},
                                    {".", "/"},
                                    {"./", "/"},
                                    {"a/b/../c", "/a/c"},
                                    {"...", "/..."},
                                    {"a/ b", "/a/ b"}}) {
    CAPTURE(asked);
    const auto path = Path::parse(asked);
    REQUIRE(path);
    CHECK(path->text() == text);
  }
}

TEST_CASE("'..' above the root stays there as in a chroot, or is refused") {
  for (const auto asked : {"..", "/..", "../etc/passwd", "/a/../../etc", "a/../.."}) {
    CAPTURE(asked);
    const auto stays = Path::parse(asked, AboveRoot::stays);
    REQUIRE(stays);
    CHECK(stays->text().find("..") == std::string::npos);
    CHECK(Path::parse(asked, AboveRoot::refused).error() == PathError::climbs);
  }
  CHECK(Path::parse("/../x")->text() == "/x");
}

TEST_CASE("what no component may hold is refused") {
  CHECK(Path::parse("").error() == PathError::empty);
  for (const auto asked : {"a\\b"sv, "..\\..\\x"sv, "C:/x"sv, "ap1g8::$DATA"sv, "a\0b"sv}) {
    CAPTURE(asked);
    CHECK(Path::parse(asked).error() == PathError::invalid);
  }
  CHECK(Path::parse(std::string(256, 'x')).error() == PathError::too_long);
  CHECK(Path::parse(std::string(255, 'x')));
  CHECK(Path::parse(std::string(5000, '/')).error() == PathError::too_long);
}

TEST_CASE("a path is put below another, and taken out from below it") {
  const auto path = *Path::parse("/EWC/17_9_4a/ap1g8");
  CHECK(path.below(0) == path);
  CHECK(path.below(1).text() == "/17_9_4a/ap1g8");
  CHECK(path.below(3) == Path{});
  CHECK((Path{} / "old" / path.below(2)).text() == "/old/ap1g8");
  CHECK(Path{} / path == path);
  CHECK(path / Path{} == path);
}

TEST_CASE("a path knows its name and its parent, and the root is its own parent") {
  const auto path = *Path::parse("/EWC/17_9_4a/ap1g8");
  CHECK(path.name() == "ap1g8");
  CHECK(path.parent().text() == "/EWC/17_9_4a");
  CHECK((path.parent() / "ap1g7").text() == "/EWC/17_9_4a/ap1g7");
  CHECK(Path{}.parent() == Path{});
  CHECK(Path{}.name().empty());
}
