#include "server/api/stream.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "server/events/events.hpp"
#include "server/events/protocol.hpp"
#include "server/events/syslog.hpp"
#include "server/events/transfer.hpp"

using namespace server;
using namespace std::chrono_literals;

namespace {

struct Fake final : Moving {
  Moved now{0, 0, Running::Clock::now()};
  Moved moved() const override { return now; }
  void stop_by_administrator() override {}
};

struct Site {
  net::io_context loop;
  Events events;
  Running running{events};
  RecentLog log;
  http::Router router;
  std::optional<Stream> stream{std::in_place, loop, running, log};

  Site() {
    stream->offer(router);
    events.listen([this](const Event& event) {
      if (stream) stream->note(event);
    });
  }

  http::Reply ask(const std::string& query, const std::string& login = "a") {
    std::optional<http::Reply> answered;
    router.answer({.method = "GET",
                   .path = "/api/v1/stream",
                   .query = query,
                   .role = http::Role::viewer,
                   .login = login},
                  http::Door::page, http::Respond([&](http::Reply reply) { answered = std::move(reply); }));
    REQUIRE(answered);
    return *answered;
  }
};

// A page that reads each message as soon as it comes.
class Page {
 public:
  Page(Site& site, const std::string& query, const std::string& login = "a")
      : site_(site), feed_(site.ask(query, login).feed) {
    REQUIRE(feed_);
    net::co_spawn(site.loop, read(feed_), [](const std::exception_ptr& error) {
      if (error) std::rethrow_exception(error);
    });
    feed_.reset();
  }

  // The next message with `part` in it; those before it are dropped.
  std::string wait_for(const std::string& part) {
    for (;;) {
      while (seen_ < messages_.size()) {
        const auto& message = messages_[seen_++];
        if (message.find(part) != message.npos) return message;
      }
      REQUIRE(!ended_);
      site_.loop.restart();
      REQUIRE(site_.loop.run_one() > 0);
    }
  }
  void wait_for_end() {
    while (!ended_) {
      site_.loop.restart();
      REQUIRE(site_.loop.run_one() > 0);
    }
  }
  const std::vector<std::string>& messages() const { return messages_; }

 private:
  net::awaitable<void> read(std::shared_ptr<http::Feed> feed) {
    for (;;) {
      const auto text = co_await feed->next();
      if (!text) break;
      messages_.push_back(*text);
    }
    ended_ = true;
  }

  Site& site_;
  std::shared_ptr<http::Feed> feed_;
  std::vector<std::string> messages_;
  std::size_t seen_ = 0;
  bool ended_ = false;
};

event::TransferBegan transfer(std::uint64_t number) {
  return {number,
          event::Protocol::tftp,
          "192.0.2.7",
          "",
          "/EWC/17_9_4a/ap1g8",
          "/EWC/17_9_4a/ap1g8",
          false,
          1000,
          512,
          1};
}

}  // namespace

TEST_CASE("a viewer is greeted, gets all transfers, and then what moves, begins and ends") {
  Site site;
  Fake first, second;
  auto entry = site.running.add(transfer(7), first);
  Page page(site, "topics=transfers");
  CHECK(page.wait_for("event: ").starts_with("event: hello\ndata: {\"version\":\""));
  const auto all = page.wait_for("event: transfers");
  CHECK(all.find("\"full\":true") != std::string::npos);
  CHECK(all.find("\"number\":7") != std::string::npos);
  CHECK(all.ends_with("]}\n\n"));

  first.now.bytes = 512;
  entry.begin();
  CHECK(page.wait_for("event: transfers").find("\"add\":[],\"move\":[[1,512]],\"end\":[]") !=
        std::string::npos);
  first.now.bytes = 1000, first.now.resent = 3;
  auto other = std::optional(site.running.add(transfer(8), second));
  const auto moved = page.wait_for("event: transfers");
  CHECK(moved.find("\"move\":[[1,1000,3]]") != std::string::npos);
  CHECK(moved.find("\"add\":[{\"id\":2,\"number\":8,") != std::string::npos);

  site.events.emit(event::TransferEnded{8,
                                        event::Protocol::tftp,
                                        "192.0.2.7",
                                        "",
                                        "/EWC/17_9_4a/ap1g8",
                                        "/EWC/17_9_4a/ap1g8",
                                        false,
                                        1000,
                                        1000,
                                        1.0,
                                        {}});
  other.reset();
  CHECK(page.wait_for("event: transfers").find("\"end\":[[2,\"") != std::string::npos);
}

TEST_CASE("a transfer that stands still is told once") {
  Site site;
  Fake moving;
  auto entry = site.running.add(transfer(7), moving);
  entry.begin();
  Page page(site, "topics=transfers");
  page.wait_for("\"full\":true");
  moving.now.last = Running::Clock::now() - 20s;
  CHECK(page.wait_for("event: stalled").find("\"id\":1") != std::string::npos);
}

TEST_CASE("a viewer hears of its topics only") {
  Site site;
  Page misses(site, "topics=misses"), log(site, "topics=log&level=normal&q=rrq");
  misses.wait_for("hello"), log.wait_for("hello");
  const auto now = RecentLog::Clock::now();
  site.log.note(conf::LogLevel::verbose, "RRQ but verbose", "x", now);
  site.log.note(conf::LogLevel::normal, "something else", "x", now);
  site.log.note(conf::LogLevel::normal, "RRQ from 192.0.2.7", "tftp.requested", now);
  site.events.emit(event::Missed{9, event::Protocol::tftp, "192.0.2.7", "/Wrong", {}});
  CHECK(misses.wait_for("event: ").starts_with("event: miss\ndata: {"));
  event::ControllerSaid said{"192.0.2.1", "EWC", {storage::LogMessage::Kind::completed},
                             "it has it", "",    false};
  site.events.emit(said);
  said.said.kind = storage::LogMessage::Kind::failed, said.bad = true;
  site.events.emit(said);
  const auto heard = misses.wait_for("event: ");
  CHECK(heard.starts_with("event: heard\ndata: {"));
  CHECK(heard.find("\"kind\":\"failed\"") != std::string::npos);
  const auto lines = log.wait_for("event: ");
  CHECK(lines.starts_with("id: 3\nevent: log\ndata: {\"id\":3,"));
  CHECK(lines.find("verbose") == std::string::npos);
  CHECK(lines.find("else") == std::string::npos);
}

TEST_CASE("a viewer that comes back with the id of its last line is told how many it missed") {
  Site site;
  const auto now = RecentLog::Clock::now();
  for (std::size_t i = 0; i < RecentLog::most_lines + 7; ++i)
    site.log.note(conf::LogLevel::normal, "a", "b", now);
  std::optional<http::Reply> answered;
  site.router.answer({.method = "GET",
                      .path = "/api/v1/stream",
                      .query = "topics=log",
                      .role = http::Role::viewer,
                      .last_event = 2},
                     http::Door::page,
                     http::Respond([&](http::Reply reply) { answered = std::move(reply); }));
  REQUIRE(answered);
  std::string text;
  net::co_spawn(
      site.loop,
      [](std::shared_ptr<http::Feed> feed, std::string& out) -> net::awaitable<void> {
        co_await feed->next();  // the greeting
        const auto lines = co_await feed->next();
        if (lines) out = *lines;
      }(answered->feed, text),
      [](const std::exception_ptr&) {});
  while (text.empty() && site.loop.run_one() > 0) {
  }
  CHECK(text.starts_with("event: gap\ndata: {\"lines\":5}\n\nid: 8\nevent: log\n"));
}

TEST_CASE("a line that a viewer looks for is found in many short turns of the loop") {
  Site site;
  const auto now = RecentLog::Clock::now();
  for (std::size_t i = 1; i < RecentLog::most_lines; ++i)
    site.log.note(conf::LogLevel::normal, "a", "b", now);
  site.log.note(conf::LogLevel::normal, "the needle", "b", now);
  std::optional<http::Reply> answered;
  site.router.answer({.method = "GET",
                      .path = "/api/v1/stream",
                      .query = "topics=log&q=needle",
                      .role = http::Role::viewer,
                      .last_event = 0},
                     http::Door::page,
                     http::Respond([&](http::Reply reply) { answered = std::move(reply); }));
  REQUIRE(answered);
  std::string text;
  net::co_spawn(
      site.loop,
      [](std::shared_ptr<http::Feed> feed, std::string& out) -> net::awaitable<void> {
        co_await feed->next();  // the greeting
        const auto lines = co_await feed->next();
        if (lines) out = *lines;
      }(answered->feed, text),
      [](const std::exception_ptr&) {});
  const auto began = std::chrono::steady_clock::now();
  std::size_t turns = 0;
  while (text.empty() && site.loop.run_one() > 0) ++turns;
  CHECK(text.starts_with("id: 10000\nevent: log\n"));
  CHECK(turns >= RecentLog::most_lines / RecentLog::looked_at_a_turn);
  CHECK(std::chrono::steady_clock::now() - began < 30s);  // and waits for nothing between them
}

TEST_CASE("a login has four streams: the oldest is told that it is watched elsewhere, and ends") {
  Site site;
  Page first(site, "topics=log", "maria");
  Page others(site, "topics=log", "ewc");
  first.wait_for("hello");
  std::vector<std::unique_ptr<Page>> more;
  for (std::size_t i = 0; i < Stream::most_of_a_login; ++i)
    more.push_back(std::make_unique<Page>(site, "topics=log", "maria"));
  CHECK(first.wait_for("event: ").starts_with("event: elsewhere\ndata: {}"));
  first.wait_for_end();
  CHECK(site.stream->viewers() == Stream::most_of_a_login + 1);
}

TEST_CASE("beyond 64 streams the next is refused") {
  Site site;
  std::vector<http::Reply> open;
  for (std::size_t i = 0; i < Stream::most; ++i) open.push_back(site.ask("", std::to_string(i)));
  CHECK(site.ask("", "one more").status == 503);
  open.pop_back();
  CHECK(site.ask("", "one more").feed);
}

TEST_CASE("a query that is not understood is refused") {
  Site site;
  for (const auto* query : {"topics=x", "level=loud", "x=1", "topics=%"})
    CHECK_MESSAGE(site.ask(query).status == 400, query);
  CHECK(site.ask("q=" + std::string(64, 'a')).status == 200);
  CHECK(site.ask("q=" + std::string(65, 'a')).status == 400);
}

TEST_CASE("all streams end when the server stops, and later ones are refused") {
  Site site;
  Page page(site, "topics=transfers,log");
  page.wait_for("hello");
  site.stream->end();
  page.wait_for_end();
  CHECK(site.ask("topics=log").status == 503);
}
