#include "server/api/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <vector>

#include "server/text/json.hpp"

namespace server {
namespace {

constexpr std::size_t usual = 100, most = RecentLog::most_lines, looked_at_a_turn = 500;

struct Wanted {
  RecentLog::Filter filter;
  std::uint64_t after = 0;
  std::size_t limit = usual;
};

// From the newest back; lines that went meanwhile were older than all that is left.
net::awaitable<void> compose(const RecentLog& log, Wanted wanted, http::Respond respond) {
  std::vector<std::string> items;
  std::size_t looked_at = 0;
  const auto newest = log.last();
  for (auto id = newest; id > wanted.after && items.size() < wanted.limit; --id) {
    const auto& lines = log.lines();
    if (lines.empty() || id < lines.front().id) break;
    const auto& line = lines[static_cast<std::size_t>(id - lines.front().id)];
    if (wanted.filter.takes(line)) items.push_back(json_of(line));
    if (++looked_at % looked_at_a_turn == 0) co_await net::post(net::use_awaitable);
  }
  std::ranges::reverse(items);
  respond({.body = fmt::format("{{\"items\":{},\"next\":{}}}\n", json_list(items), newest)});
}

}  // namespace

RecentLog::Filter filter_of(Query& query) {
  RecentLog::Filter filter;
  filter.text = query.text("q").value_or("");
  if (const auto level = query.text("level")) {
    const auto known = log_level_of(*level);
    if (!known) query.refuse("level: it is quiet, normal, verbose or debug");
    filter.level = known.value_or(filter.level);
  }
  return filter;
}

void offer_log(http::Router& router, net::io_context& loop, const RecentLog& log) {
  router.add({"GET",
              "/api/v1/log",
              http::Role::viewer,
              false,
              {http::Door::control, http::Door::page},
              [&loop, &log](const http::Request& request, const std::string&, http::Respond respond) {
                Query query(request.query, {"after", "limit", "level", "q"});
                Wanted wanted;
                wanted.after = query.number("after", 0, 0, UINT64_MAX);
                wanted.limit = query.number("limit", usual, 1, most);
                wanted.filter = filter_of(query);
                if (!query.fault().empty())
                  return respond(http::safe_problem(400, "bad request", query.fault()));
                net::co_spawn(loop, compose(log, std::move(wanted), std::move(respond)),
                              [](const std::exception_ptr&) {});  // then it was answered with 500
              }});
}

}  // namespace server
