#include "server/api/misses.hpp"

#include <doctest/doctest.h>

using namespace server;
namespace record = storage::record;

namespace {

record::Miss miss(std::int64_t at, const std::string& client, const std::string& asked,
                  const std::string& cause = "WRONG_DIRECTORY") {
  record::Miss made;
  made.last_at = at, made.first_at = at - 10, made.count = 2;
  made.client = client, made.protocol = "tftp", made.cause = cause, made.asked = asked, made.text = "why";
  return made;
}

}  // namespace

TEST_CASE("misses of one cause in one folder are a group, the newest first") {
  const auto groups = groups_of({miss(1000, "a", "/Wrong/ap1g8"), miss(3000, "b", "/Wrong/ap1g7"),
                                 miss(2000, "a", "/Wrong/ap1g8", "NOT_FOUND"), miss(4000, "a", "ap1g9")});
  REQUIRE(groups.size() == 3);
  CHECK(groups[0].folder.empty());
  CHECK(groups[1].folder == "/Wrong");
  CHECK(groups[1].cause == "WRONG_DIRECTORY");
  CHECK(groups[1].clients == 2);
  CHECK(groups[1].times == 4);
  CHECK(groups[1].first_at == 990);
  CHECK(groups[1].last_at == 3000);
  CHECK(groups[1].misses.front().client == "b");
  const auto json = to_json(groups[1]);
  CHECK(json.find(R"("asked":"/Wrong/ap1g7")") != std::string::npos);
  CHECK(json.find(R"("mended":null)") != std::string::npos);
  CHECK(json.find(R"("clients_total":2)") != std::string::npos);
}

TEST_CASE("a device that read a file of that name whole after the miss has got it") {
  const auto missed = miss(1000, "a", "/Wrong/ap1g8");
  CHECK(got_it_since(missed, {{"a", "/EWC/17_9_4a/ap1g8", 1, 1001, 1}}));
  CHECK_FALSE(got_it_since(missed, {{"a", "/EWC/17_9_4a/ap1g8", 1, 999, 1}}));
  CHECK_FALSE(got_it_since(missed, {{"b", "/EWC/17_9_4a/ap1g8", 1, 1001, 1}}));
  CHECK_FALSE(got_it_since(missed, {{"a", "/EWC/17_9_4a/ap1g7", 1, 1001, 1}}));
}
