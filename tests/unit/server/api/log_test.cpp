#include "server/api/log.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace server;
using namespace std::chrono_literals;
using conf::LogLevel;

namespace {

struct Site {
  net::io_context loop;
  RecentLog log;
  http::Router router;

  Site() { offer_log(router, loop, log); }

  void note(const std::string& text, LogLevel level = LogLevel::normal) { log.note(level, text, "x", {}); }
  void note_many(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) note("a line");
  }
  auto begin(const std::string& query, const std::string& client = "192.0.2.1") {
    auto answer = std::make_shared<std::optional<http::Reply>>();
    router.answer({.method = "GET",
                   .path = "/api/v1/log",
                   .query = query,
                   .role = http::Role::viewer,
                   .client = client},
                  http::Door::page,
                  http::Respond([answer](http::Reply reply) { *answer = std::move(reply); }));
    return answer;
  }
  http::Reply ask(const std::string& query) {
    const auto answer = begin(query);
    loop.restart();
    loop.run_for(120s);
    REQUIRE(*answer);
    return **answer;
  }
  // The ids in the answer, and at the end its `next`.
  std::vector<std::uint64_t> ids(const std::string& query) { return ids_in(ask(query)); }
  static std::vector<std::uint64_t> ids_in(const http::Reply& reply) {
    REQUIRE(reply.status == 200);
    std::vector<std::uint64_t> all;
    for (const std::string mark : {"{\"id\":", "\"next\":"})
      for (auto at = reply.body.find(mark); at != std::string::npos; at = reply.body.find(mark, at + 1))
        all.push_back(std::stoull(reply.body.substr(at + mark.size(), 20)));
    return all;
  }
};

using Ids = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("the newest lines that fit are told, the oldest of them first") {
  Site site;
  CHECK(site.ids("") == Ids{0});
  site.note_many(5);
  CHECK(site.ids("") == Ids{1, 2, 3, 4, 5, 5});
  CHECK(site.ids("limit=2") == Ids{4, 5, 5});
  CHECK(site.ids("after=3") == Ids{4, 5, 5});
  CHECK(site.ids("after=2&limit=2") == Ids{4, 5, 5});
  CHECK(site.ids("after=5") == Ids{5});
  CHECK(site.ids("after=18446744073709551615") == Ids{5});
}

TEST_CASE("a hundred lines are told unless more are asked for, and ten thousand are kept") {
  Site site;
  site.note_many(RecentLog::most_lines + 50);
  const auto usual = site.ids("");
  CHECK(usual.size() == 101);
  CHECK(usual.front() == RecentLog::most_lines - 49);
  const auto all = site.ids("limit=10000");
  CHECK(all.size() == RecentLog::most_lines + 1);
  CHECK(all.front() == 51);
  CHECK(all.back() == RecentLog::most_lines + 50);
}

TEST_CASE("a filter is asked before lines are counted") {
  Site site;
  site.note("RRQ from 192.0.2.7");
  site.note("RRQ in detail", LogLevel::verbose);
  for (int i = 0; i < 600; ++i) site.note("something else");
  CHECK(site.ids("q=rrq&limit=2") == Ids{1, 2, 602});
  CHECK(site.ids("q=rrq&limit=1") == Ids{2, 602});
  CHECK(site.ids("q=rrq&level=normal&limit=1") == Ids{1, 602});
  CHECK(site.ids("q=rrq&level=quiet") == Ids{602});
  CHECK(site.ids("q=no+such+words") == Ids{602});
}

TEST_CASE("a line is told with its time, level, text and kind") {
  Site site;
  site.log.note(LogLevel::verbose, R"(name "a\\b")", "tftp.requested",
                RecentLog::Clock::time_point{1'795'847'068s});
  CHECK(site.ask("").body ==
        R"({"items":[{"id":1,"at":"2026-11-28T06:24:28Z","level":"verbose","text":"name \"a\\\\b\"",)"
        R"("event":"tftp.requested"}],"next":1})"
        "\n");
}

TEST_CASE("lines that come, and lines that go, while an answer is composed, harm nothing") {
  Site site;
  site.note_many(RecentLog::most_lines);
  const auto answer = site.begin("limit=10000");
  site.loop.poll_one();
  REQUIRE_FALSE(*answer);
  site.note_many(RecentLog::most_lines - 100);
  site.loop.run_for(120s);
  REQUIRE(*answer);
  auto ids = Site::ids_in(**answer);
  CHECK(ids.back() == RecentLog::most_lines);
  ids.pop_back();
  REQUIRE(ids.size() >= 100);
  CHECK(ids.back() == RecentLog::most_lines);
  CHECK(ids.front() + ids.size() - 1 == ids.back());
}

TEST_CASE("all that is kept is looked at and joined in many short turns of the loop") {
  Site site;
  for (std::size_t i = 0; i < RecentLog::most_lines; ++i) site.note(std::string(400, 'x'));
  const auto answer = site.begin("limit=10000");
  std::size_t turns = 0;
  while (!*answer && site.loop.run_one() > 0) ++turns;
  REQUIRE(*answer);
  const auto ids = Site::ids_in(**answer);
  CHECK(ids.size() == RecentLog::most_lines + 1);
  CHECK(ids.front() == 1);
  CHECK((*answer)->body.starts_with("{\"items\":[{\"id\":1,"));
  CHECK((*answer)->body.ends_with("\"event\":\"x\"}],\"next\":10000}\n"));
  CHECK(turns >= RecentLog::most_lines / RecentLog::looked_at_a_turn + (*answer)->body.size() / (80 << 10));
}

TEST_CASE("answers with all lines are composed for a few clients at a time, and two for one address") {
  Site site;
  site.note_many(RecentLog::most_lines);
  const auto status = [](const auto& answer) { return *answer ? (*answer)->status : 0; };
  std::vector<std::shared_ptr<std::optional<http::Reply>>> composed;
  for (const auto* const client : {"192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.3"})
    composed.push_back(site.begin("limit=10000", client));
  for (const auto* const client : {"192.0.2.1", "192.0.2.3"})
    CHECK(status(site.begin("limit=10000", client)) == 503);
  composed.push_back(site.begin("limit=300", "192.0.2.4"));
  CHECK(status(site.begin("limit=10000", "192.0.2.5")) == 503);
  site.loop.run_for(120s);
  for (const auto& each : composed) CHECK(status(each) == 200);
  CHECK(site.ask("").status == 200);
}

TEST_CASE("a query that is not understood is refused, with what would be") {
  struct Row {
    const char *query, *detail;
  };
  const Row rows[] = {{"limit=0", "limit=0: it is a number from 1 to 10000"},
                      {"limit=10001", "limit=10001: it is a number from 1 to 10000"},
                      {"after=-1", "after=-1: it is a number from 0"},
                      {"after=18446744073709551616", "it is a number from 0"},
                      {"level=loud", "level: it is quiet, normal, verbose or debug"},
                      {"level=Normal", "level: it is quiet, normal, verbose or debug"},
                      {"since=2h", "since is not a parameter here; there are: after, limit, level, q"}};
  for (const auto& row : rows) {
    CAPTURE(row.query);
    Site site;
    const auto reply = site.ask(row.query);
    CHECK(reply.status == 400);
    CHECK(reply.body.find(row.detail) != std::string::npos);
  }
  Site site;
  CHECK(site.ask("q=" + std::string(64, 'a')).status == 200);
  CHECK(site.ask("q=" + std::string(65, 'a')).body.find("q: it is a text of at most 64 bytes") !=
        std::string::npos);
}
