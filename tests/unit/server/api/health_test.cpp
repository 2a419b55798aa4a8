#include "server/api/health.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/unit/server/api/api_site.hpp"

using namespace server;
using test::ApiSite;
using test::column;
using test::has;

TEST_CASE("the doctor looks when somebody asks, once at a time, and then tells the worst first") {
  ApiSite site;
  const auto first = site.get("health");
  CHECK(first.body ==
        R"({"at":null,"counts":{"fails":0,"look":0,"unknown":0,"ok":0},"running":true,"items":[]})"
        "\n");
  CHECK(site.get("health").body == first.body);
  CHECK(site.send("POST", "health/run").status == 202);
  CHECK(site.lanes.asking.busy() == 1);
  REQUIRE(site.acts.size() == 1);
  CHECK(site.acts[0].who == "maria");
  CHECK(site.acts[0].act == "run doctor");

  site.run_until([&] { return !site.looked.empty(); });
  const auto found = site.get("health");
  const auto answer = test::json(found);
  CHECK_FALSE(answer["at"].IsNull());
  CHECK_FALSE(answer["running"].as<bool>());
  const std::map<std::string, int> rank{{"fails", 0}, {"look", 1}, {"unknown", 2}, {"ok", 3}};
  std::vector<int> ranks;
  std::map<std::string, int> counts;
  for (const auto& result : column(found, "result")) {
    ranks.push_back(rank.at(result));
    ++counts[result];
  }
  CHECK_FALSE(ranks.empty());
  CHECK(std::ranges::is_sorted(ranks));
  for (const auto& [word, unused] : rank) CHECK(answer["counts"][word].as<int>() == counts[word]);
  REQUIRE(site.looked.size() == 1);
  CHECK(found.body.starts_with(site.looked[0].substr(0, site.looked[0].size() - 1)));
  CHECK(site.lanes.asking.busy() == 0);  // what was found a moment ago is not looked for again

  site.send("POST", "health/run");
  CHECK(test::json(site.get("health"))["running"].as<bool>());
  site.run_until([&] { return site.looked.size() == 2; });
}
