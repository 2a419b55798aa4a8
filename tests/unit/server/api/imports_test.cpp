#include "server/api/imports.hpp"

#include <doctest/doctest.h>

#include "server/events/event.hpp"
#include "server/events/import.hpp"
#include "storage/releases/imported.hpp"

using namespace server;
using namespace server::event;
using State = Imports::State;
using namespace std::chrono_literals;

namespace {

const Imports::Clock::time_point now{1'795'847'068s};

Published published(const std::string& file, bool already_there = false) {
  storage::Imported imported;
  imported.path = "/EWC/17_9_4a";
  imported.already_there = already_there;
  return {file, imported, 2};
}

}  // namespace

TEST_CASE("an import is one row from its beginning to its end") {
  Imports imports;
  imports.note(ImportStarted{"a.zip"}, now);
  imports.note(ImportProgress{"a.zip", 63, 100}, now + 5s);
  REQUIRE(imports.rows().size() == 1);
  CHECK(
      to_json(imports.rows()[0]) ==
      R"({"file":"a.zip","state":"running","step":"unpacking and checking","percent":63,"done":63,"total":100,)"
      R"("started_at":"2026-11-28T06:24:28Z","at":"2026-11-28T06:24:33Z","path":null,"reason":"","moved_to":""})");
  imports.note(published("a.zip"), now + 6s);
  REQUIRE(imports.rows().size() == 1);
  CHECK(imports.rows()[0].state == State::published);
  CHECK(imports.rows()[0].path == "/EWC/17_9_4a");
  CHECK(imports.last_success() == now + 6s);
}

TEST_CASE("every end is told, with its reason") {
  Imports imports;
  imports.note(ImportRejected{"a.zip", "its end is cut off", "rejected/a.zip"}, now);
  imports.note(ImportFailed{"b.zip", "no space"}, now);
  imports.note(ImportGone{"c.zip", true}, now);
  imports.note(published("d.zip", true), now);
  REQUIRE(imports.rows().size() == 4);
  CHECK(imports.rows()[0].state == State::already_there);
  CHECK(imports.rows()[1].state == State::gone);
  CHECK(imports.rows()[1].reason == "another file took its place");
  CHECK(imports.rows()[2].reason == "no space");
  CHECK(imports.rows()[3].moved_to == "rejected/a.zip");
  CHECK_FALSE(imports.last_success());
  CHECK(imports.rejected_since(now).size() == 1);
  CHECK(imports.rejected_since(now + 1s).empty());
}

TEST_CASE("what is tried again is one row, and the oldest go") {
  Imports imports;
  for (int i = 0; i < 5; ++i) {
    imports.note(ImportStarted{"a.zip"}, now);
    imports.note(ImportFailed{"a.zip", "no space"}, now);
  }
  CHECK(imports.rows().size() == 1);
  for (int i = 0; i < 200; ++i) imports.note(published(std::to_string(i)), now);
  CHECK(imports.rows().size() == Imports::most);
  CHECK(imports.rows()[0].file == "199");
}
