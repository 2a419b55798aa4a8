#include "server/api/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <vector>

#include "server/http/parameters.hpp"
#include "server/text/json.hpp"

namespace server {
namespace {

constexpr std::size_t usual = 100, most = RecentLog::most_lines, looked_at_a_turn = 500;

struct Wanted {
  RecentLog::Filter filter;
  std::uint64_t after = 0;
  std::size_t limit = usual;
};

bool read_number(const std::string& text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

// Nothing: `fault` says why.
std::optional<Wanted> wanted_of(const std::string& query, std::string& fault) {
  const auto parameters = http::parameters_of(query);
  if (!parameters) {
    fault = "the query is not percent-encoded";
    return {};
  }
  Wanted wanted;
  for (const auto& [name, value] : *parameters) {
    bool good = true;
    if (value.empty()) {
      continue;
    } else if (name == "after") {
      good = read_number(value, wanted.after);
    } else if (name == "limit") {
      std::uint64_t limit = 0;
      good = read_number(value, limit) && limit >= 1 && limit <= most;
      wanted.limit = static_cast<std::size_t>(limit);
    } else if (name == "level") {
      const auto level = log_level_of(value);
      good = level.has_value();
      if (level) wanted.filter.level = *level;
    } else if (name == "q") {
      wanted.filter.text = value;
    } else {
      good = false;
    }
    if (good) continue;
    fault = fmt::format("{}={} is not understood", name, value);
    return {};
  }
  return wanted;
}

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

void offer_log(http::Router& router, net::io_context& loop, const RecentLog& log) {
  router.add({"GET",
              "/api/v1/log",
              http::Role::viewer,
              false,
              {http::Door::control, http::Door::page},
              [&loop, &log](const http::Request& request, const std::string&, http::Respond respond) {
                std::string fault;
                auto wanted = wanted_of(request.query, fault);
                if (!wanted)
                  return respond(http::problem(400, "bad request", fault,
                                               "?limit=1 to 10000, after=ID, level=quiet, normal, verbose or "
                                               "debug, q=TEXT"));
                net::co_spawn(loop, compose(log, std::move(*wanted), std::move(respond)),
                              [](const std::exception_ptr&) {});  // then it was answered with 500
              }});
}

}  // namespace server
