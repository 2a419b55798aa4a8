#include "server/http/message.hpp"

#include <doctest/doctest.h>

#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace server::http;

namespace {

// Keeps the status of each answer.
Respond keeping(std::vector<unsigned>& heard) {
  return Respond([&heard](Reply reply) { heard.push_back(reply.status); });
}

}  // namespace

TEST_CASE("a request is answered once, by the last one that holds it") {
  std::vector<unsigned> heard;
  {
    auto first = keeping(heard);
    auto second = std::move(first);
    {
      const auto third = std::move(second);
      CHECK(heard.empty());
    }
    CHECK(heard == std::vector<unsigned>{500});
  }
  CHECK(heard == std::vector<unsigned>{500});
}

TEST_CASE("a request that was answered is not given up later") {
  std::vector<unsigned> heard;
  {
    auto respond = keeping(heard);
    respond({.status = 204});
    CHECK(heard == std::vector<unsigned>{204});
  }
  CHECK(heard.size() == 1);
}

TEST_CASE("a request that is given up says what its client may do") {
  std::optional<Reply> heard;
  {
    const Respond respond([&heard](Reply reply) { heard = std::move(reply); });
  }
  REQUIRE(heard);
  CHECK(heard->type == "application/problem+json");
  CHECK(heard->body.find("\"status\":500") != std::string::npos);
  CHECK(heard->body.find("ask again") != std::string::npos);
}

TEST_CASE("a request that is given up for want of memory takes nobody along") {
  int asked = 0;
  {
    const Respond respond([&asked](const Reply&) {
      ++asked;
      throw std::bad_alloc();
    });
  }
  CHECK(asked == 1);
}

TEST_CASE("a problem has its parts in the order of the standard, and a fix where there is one") {
  const auto bare = problem(404, "not found", "no such thing");
  CHECK(bare.status == 404);
  CHECK(bare.body == "{\"title\":\"not found\",\"status\":404,\"detail\":\"no such thing\"}\n");
  const auto fixed = problem(404, "not found", "no such thing", "look elsewhere");
  CHECK(fixed.body.ends_with(",\"fix\":\"look elsewhere\"}\n"));
  CHECK(fixed.headers.empty());
}

TEST_CASE("a problem is escaped, once") {
  CHECK(problem(400, "bad", "a\x1b").body.find(R"("detail":"a\\x1b")") != std::string::npos);
  CHECK(safe_problem(400, "bad", R"(a\x1b)").body == problem(400, "bad", "a\x1b").body);
}

TEST_CASE("what a problem says is bounded") {
  const auto large = problem(400, "bad", std::string(1'000'000, 'x'), std::string(1'000'000, 'y'));
  CHECK(large.body.size() < 4096);
  CHECK(large.body.ends_with("}\n"));
}
