#include "server/api/said.hpp"

#include <doctest/doctest.h>

#include <variant>

using namespace server;
using namespace std::chrono_literals;
namespace record = storage::record;

namespace {

const Said::Clock::time_point start = Said::Clock::time_point{} + 1h;

record::Described described(const std::string& key, const std::string& name,
                            const std::string& replaces = "") {
  record::Described made;
  made.key = key, made.name = name, made.replaces = replaces;
  return made;
}

// The history's writer, which a test may take away.
struct Writer {
  bool there = true;
  std::vector<storage::Record> kept;
  Said said{[this](storage::Record record) {
    if (there) kept.push_back(std::move(record));
    return there;
  }};
};

std::vector<std::string> names(const Said::Rows& rows) {
  std::vector<std::string> all;
  for (const auto& row : rows) all.push_back(row.key + "=" + row.name);
  return all;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("what was said is fresh for thirty seconds, and the history got all of it at once") {
  Writer writer;
  CHECK(writer.said.fresh(start)->empty());
  REQUIRE(writer.said.say({described("192.0.2.7", "a"), described("192.0.2.8", "b")}, start));
  REQUIRE(writer.kept.size() == 1);
  CHECK(std::get<record::Descriptions>(writer.kept[0]).devices.size() == 2);
  CHECK(writer.said.fresh(start + 30s)->size() == 2);
  CHECK(writer.said.fresh(start + 30s + 1ns)->empty());
  CHECK(writer.said.fresh(start + 31s)->empty());
}

TEST_CASE("the newest word on a device counts, and what was said of others stays fresh with it") {
  Writer writer;
  writer.said.say({described("192.0.2.7", "a"), described("192.0.2.8", "b")}, start);
  writer.said.say({described("192.0.2.7", "c")}, start + 20s);
  CHECK(names(*writer.said.fresh(start + 50s)) == Names{"192.0.2.7=c", "192.0.2.8=b"});
  CHECK(writer.said.fresh(start + 51s)->empty());
}

TEST_CASE("a line that is too old does not come back when another one is said") {
  Writer writer;
  writer.said.say({described("192.0.2.7", "a")}, start);
  writer.said.say({described("192.0.2.8", "b")}, start + 31s);
  CHECK(names(*writer.said.fresh(start + 31s)) == Names{"192.0.2.8=b"});
}

TEST_CASE("a device that got an address takes the place of its name") {
  Writer writer;
  writer.said.say({described("name floor-1", "floor-1")}, start);
  writer.said.say({described("192.0.2.7", "floor-1", "name floor-1")}, start + 1s);
  CHECK(names(*writer.said.fresh(start + 1s)) == Names{"192.0.2.7=floor-1"});
}

TEST_CASE("without a history nothing is said, and what was said before stays") {
  Writer writer;
  writer.said.say({described("192.0.2.7", "a")}, start);
  writer.there = false;
  CHECK_FALSE(writer.said.say({described("192.0.2.7", "b")}, start + 10s));
  CHECK(names(*writer.said.fresh(start + 30s)) == Names{"192.0.2.7=a"});
  CHECK(writer.said.fresh(start + 31s)->empty());
}

TEST_CASE("an answer that is being written keeps the rows that it began with") {
  Writer writer;
  writer.said.say({described("192.0.2.7", "a")}, start);
  const auto held = writer.said.fresh(start);
  writer.said.say({described("192.0.2.7", "b")}, start + 1s);
  CHECK(names(*held) == Names{"192.0.2.7=a"});
  writer.said.fresh(start + 1h);
  CHECK(names(*held) == Names{"192.0.2.7=a"});
}
