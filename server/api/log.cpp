#include "server/api/log.hpp"

#include <fmt/format.h>

#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "server/loop/shares.hpp"

namespace server {
namespace {

constexpr std::size_t usual = 100, most = RecentLog::most_lines;
constexpr std::size_t joined_a_turn = 64 << 10;  // bytes
// Lines that may be on their way into answers, and for one address: an answer with all that are kept takes
// 11 MiB until it counts as one that waits for its client.
constexpr std::size_t most_composed = 6 * most, most_composed_each = 2 * most;

struct Wanted {
  RecentLog::Filter filter;
  std::uint64_t after = 0;
  std::size_t limit = usual;
};

http::Reply busy() {
  auto reply = http::problem(503, "busy", "too many lines of the log are asked for at once",
                             "ask again in a second, or for fewer lines: limit");
  reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

// From the newest back; lines that went meanwhile were older than all that is left. Has its place until then.
net::awaitable<void> compose(const RecentLog& log, Wanted wanted, Shares::Share /*place*/,
                             http::Respond respond) {
  std::vector<std::string> items;
  std::size_t looked_at = 0, size = 0;
  const auto newest = log.last();
  for (auto id = newest; id > wanted.after && items.size() < wanted.limit; --id) {
    const auto& lines = log.lines();
    if (lines.empty() || id < lines.front().id) break;
    const auto& line = lines[static_cast<std::size_t>(id - lines.front().id)];
    if (wanted.filter.takes(line)) size += items.emplace_back(json_of(line)).size() + 1;
    if (++looked_at % RecentLog::looked_at_a_turn == 0) co_await net::post(net::use_awaitable);
  }
  const auto end = fmt::format("],\"next\":{}}}\n", newest);
  std::string body = "{\"items\":[";
  body.reserve(body.size() + size + end.size());
  for (std::size_t joined = 0; !items.empty(); items.pop_back()) {
    body.append(items.back()).append(items.size() > 1 ? "," : "");
    if (body.size() - joined < joined_a_turn) continue;
    joined = body.size();
    co_await net::post(net::use_awaitable);
  }
  body += end;
  respond({.body = std::move(body)});
}

}  // namespace

RecentLog::Filter filter_of(Query& query) {
  RecentLog::Filter filter;
  filter.text = query.text("q").value_or("");
  if (filter.text.size() > RecentLog::longest_text)
    query.refuse(fmt::format("q: it is a text of at most {} bytes", RecentLog::longest_text));
  if (const auto level = query.text("level")) {
    const auto known = log_level_of(*level);
    if (!known) query.refuse("level: it is quiet, normal, verbose or debug");
    filter.level = known.value_or(filter.level);
  }
  return filter;
}

void offer_log(http::Router& router, net::io_context& loop, const RecentLog& log) {
  const auto places = std::make_shared<Shares>(most_composed, most_composed_each);
  router.add({"GET",
              "/api/v1/log",
              http::Role::viewer,
              false,
              {http::Door::control, http::Door::page},
              [&loop, &log, places](const http::Request& request, const std::string&, http::Respond respond) {
                Query query(request.query, {"after", "limit", "level", "q"});
                Wanted wanted;
                wanted.after = query.number("after", 0, 0, UINT64_MAX);
                wanted.limit = query.number("limit", usual, 1, most);
                wanted.filter = filter_of(query);
                if (!query.fault().empty())
                  return respond(http::safe_problem(400, "bad request", query.fault()));
                auto place = places->take_many(request.address(), wanted.limit);
                if (!place) return respond(busy());
                net::co_spawn(loop, compose(log, std::move(wanted), std::move(*place), std::move(respond)),
                              [](const std::exception_ptr&) {});  // then it was answered with 500
              }});
}

}  // namespace server
