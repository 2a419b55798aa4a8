#include "server/api/desk.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "server/events/event.hpp"
#include "server/events/events.hpp"
#include "storage/history/database.hpp"

using namespace server;
using namespace std::chrono_literals;

namespace {

// Four each, so that none of them has all of its places.
Asker asker(std::size_t number, bool changes = false) {
  return {net::ip::address_v4(static_cast<std::uint32_t>(number / 4 + 1)), changes};
}

// One worker, which begins nothing as long as the test holds it.
struct Office {
  net::io_context loop;
  Workers workers{loop, 1};
  Events events;
  Desk desk{workers, events};
  std::vector<std::string> happened;  // in their order
  std::vector<event::Acted> acts;
  std::vector<http::Reply> replies;
  std::promise<void> release;

  Office() {
    events.listen([this](const Event& event) {
      if (const auto* act = event.get_if<event::Acted>()) acts.push_back(*act), happened.push_back("told");
    });
  }
  void hold() {
    workers.post([held = release.get_future().share()] { held.wait(); });
  }
  http::Respond respond() {
    return http::Respond([this](http::Reply reply) {
      replies.push_back(std::move(reply));
      happened.push_back("answered");
    });
  }
  void run_until(std::size_t answers) {
    const auto guard = net::make_work_guard(loop);
    loop.restart();
    while (replies.size() < answers) REQUIRE(loop.run_one_for(120s) > 0);
  }
  http::Reply answer(std::function<http::Reply()> work) {
    desk.answer(Asker(), respond(), std::move(work));
    run_until(replies.size() + 1);
    return replies.back();
  }
  void act(std::function<Outcome()> work, std::function<void(bool)> then) {
    desk.act(Asker(), respond(), {"maria", "promote", "/EWC/17_9_4a", {}}, std::move(work), std::move(then));
    run_until(replies.size() + 1);
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

http::Reply with_body(const std::string& body) { return {.body = body}; }

}  // namespace

TEST_CASE("64 questions may wait, the next is refused at once, and one that ends gives its place back") {
  Office office;
  office.hold();
  for (std::size_t i = 0; i < Desk::most_waiting; ++i)
    office.desk.answer(asker(i), office.respond(), [i] { return with_body(std::to_string(i)); });
  CHECK(office.replies.empty());

  office.desk.answer(asker(Desk::most_waiting), office.respond(), [] { return with_body("one too many"); });
  REQUIRE(office.replies.size() == 1);
  CHECK(office.replies[0].status == 503);
  CHECK(has(office.replies[0].body, "\"title\":\"busy\""));
  CHECK(has(office.replies[0].body, "too many questions wait for the disk"));
  CHECK(has(office.replies[0].body, "ask again in some seconds"));

  office.release.set_value();
  office.run_until(1 + Desk::most_waiting);
  for (std::size_t i = 0; i < Desk::most_waiting; ++i)
    CHECK(std::ranges::count(office.replies, std::to_string(i), &http::Reply::body) == 1);
  CHECK(office.answer([] { return with_body("later"); }).body == "later");
}

TEST_CASE("the places are free again while the answers of a full desk are given") {
  Office office;
  office.hold();
  bool asked_again = false;
  for (std::size_t i = 0; i < Desk::most_waiting; ++i)
    office.desk.ask(
        asker(i), office.respond(), [] { return 1; },
        [&](std::optional<int>, http::Respond to) {
          if (!std::exchange(asked_again, true))
            office.desk.answer(asker(0), office.respond(), [] { return with_body("from within"); });
          to({.status = 204});
        });
  office.release.set_value();
  office.run_until(Desk::most_waiting + 1);
  CHECK(office.replies.back().body == "from within");
}

TEST_CASE("what goes wrong at a question is an answer that says what to do") {
  using Kind = storage::DatabaseError::Kind;
  struct Row {
    std::function<http::Reply()> work;
    unsigned status;
    std::string title, detail, fix;
  };
  const auto fails = [](Kind kind) {
    return [kind]() -> http::Reply { throw storage::DatabaseError(kind, "disk I/O error"); };
  };
  const Row rows[] = {{fails(Kind::given_up), 503, "too much", "more of this than can be read in 2 s",
                       "since, client or limit"},
                      {fails(Kind::damaged), 503, "history damaged",
                       "state/history.db is damaged: disk I/O error", "moves it aside"},
                      {fails(Kind::failed), 503, "no history",
                       "state/history.db cannot be read: disk I/O error", "history.days above 0"},
                      {fails(Kind::empty), 503, "no history",
                       "state/history.db cannot be read: disk I/O error", "history.days above 0"},
                      {[]() -> http::Reply { throw std::runtime_error("the disk is gone"); }, 500, "failed",
                       "the disk is gone", "journalctl -u apdepot"}};
  for (const auto& row : rows) {
    CAPTURE(row.title);
    Office office;
    const auto reply = office.answer(row.work);
    CHECK(reply.status == row.status);
    CHECK(reply.type == "application/problem+json");
    CHECK(has(reply.body, "\"title\":\"" + row.title + "\""));
    CHECK(has(reply.body, row.detail));
    CHECK(has(reply.body, row.fix));
  }
}

TEST_CASE("work that throws what nobody catches is answered, and gives its place back") {
  Office office;
  for (std::size_t i = 0; i < Desk::most_waiting + 1; ++i) {
    office.desk.answer(Asker(), office.respond(), []() -> http::Reply { throw 7; });
    const auto guard = net::make_work_guard(office.loop);
    office.loop.restart();
    CHECK_THROWS_AS(office.loop.run_for(120s), int);
    REQUIRE(office.replies.size() == i + 1);
    REQUIRE(office.replies[i].status == 500);
  }
  CHECK(has(office.replies[0].body, "\"title\":\"out of memory\""));
}

TEST_CASE("an act is told with what came of it before its client is answered") {
  Office office;
  office.act(
      [] {
        return Outcome{with_body("yes"), "done", "/EWC/17_12_1"};
      },
      [&](bool done) { office.happened.push_back(done ? "done" : "not done"); });
  CHECK(office.happened == std::vector<std::string>{"done", "told", "answered"});
  REQUIRE(office.acts.size() == 1);
  CHECK(office.acts[0].who == "maria");
  CHECK(office.acts[0].act == "promote");
  CHECK(office.acts[0].subject == "/EWC/17_12_1");
  CHECK(office.acts[0].outcome == "done");
  CHECK(office.replies[0].body == "yes");
}

TEST_CASE("an act that is refused, or fails, is told with the reason, and keeps its subject") {
  struct Row {
    std::function<Outcome()> work;
    unsigned status;
    std::string why;
  };
  const Row rows[] = {
      {[] { return refused(409, "not promoted", "it is gone", "look for it"); }, 409, "it is gone"},
      {[]() -> Outcome { throw std::runtime_error("no space"); }, 500, "no space"}};
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Office office;
    office.act(row.work, [&](bool done) { office.happened.push_back(done ? "done" : "not done"); });
    CHECK(office.happened == std::vector<std::string>{"not done", "told", "answered"});
    REQUIRE(office.acts.size() == 1);
    CHECK(office.acts[0].subject == "/EWC/17_9_4a");
    CHECK(office.acts[0].outcome == row.why);
    CHECK(office.replies[0].status == row.status);
  }
}

TEST_CASE("who asks a lot is refused at once, and keeps nobody else waiting for more than one answer") {
  Office office;
  office.hold();
  const auto ask = [&](const char* client, const std::string& body) {
    const http::Request request{.method = "GET", .client = client};
    office.desk.answer(asker_of(request), office.respond(), [body] { return with_body(body); });
  };
  for (std::size_t i = 0; i < Desk::most_of_one; ++i) ask("2001:db8::1", "first");
  CHECK(office.replies.empty());
  ask("2001:db8::2", "one too many");  // of the same /64
  REQUIRE(office.replies.size() == 1);
  CHECK(office.replies[0].status == 503);
  CHECK(has(office.replies[0].body, "too many questions of your address wait"));

  ask("192.0.2.7", "second");
  ask("", "at the socket");
  office.release.set_value();
  office.run_until(3 + Desk::most_of_one);
  std::vector<std::string> order;
  for (const auto& reply : office.replies) order.push_back(reply.body);
  const auto at = [&](const std::string& body) { return std::ranges::find(order, body) - order.begin(); };
  CHECK(at("second") < 4);
  CHECK(at("at the socket") < 4);
}

TEST_CASE("a change finds a place at a desk that is full of questions, and waits for none that waits") {
  Office office;
  office.hold();
  for (std::size_t i = 0; i < Desk::most_waiting; ++i)
    office.desk.answer(asker(i), office.respond(), [] { return with_body("question"); });
  const http::Request request{.method = "POST", .client = "192.0.2.7"};
  office.desk.act(asker_of(request), office.respond(), {"maria", "promote", "/EWC/17_9_4a", {}},
                  [] { return Outcome{with_body("change")}; });
  CHECK(office.replies.empty());
  office.release.set_value();
  office.run_until(1 + Desk::most_waiting);
  const auto change = std::ranges::find(office.replies, "change", &http::Reply::body);
  CHECK(change - office.replies.begin() <= 2);
  CHECK(office.acts.size() == 1);
}

TEST_CASE("an act that finds no place for a change is refused, and not told") {
  Office office;
  office.hold();
  for (std::size_t i = 0; i < Desk::most_changes; ++i)
    office.desk.answer(asker(i, true), office.respond(), [] { return with_body(""); });
  office.desk.act(Asker(), office.respond(), {"maria", "retire", "/EWC/17_9_4a", {}},
                  [] { return Outcome{with_body("done after all")}; });
  REQUIRE(office.replies.size() == 1);
  CHECK(office.replies[0].status == 503);
  CHECK(office.acts.empty());
  office.release.set_value();
  office.run_until(1 + Desk::most_changes);
  CHECK(office.acts.empty());
}
