#include "server/api/misses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <utility>

#include "conf/settings.hpp"
#include "server/api/explanation.hpp"
#include "server/api/fleet.hpp"
#include "server/api/history.hpp"
#include "server/api/query.hpp"
#include "server/events/protocol.hpp"
#include "server/files/library.hpp"
#include "server/loop/live_settings.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/json.hpp"
#include "server/text/miss_text.hpp"
#include "server/text/time.hpp"

namespace server {
namespace {

namespace record = storage::record;
using http::Reply;

constexpr std::size_t most_misses = 5000, usual_groups = 100;
constexpr std::size_t most_clients = 20;    // that are named
constexpr std::size_t most_names = 20;      // of a group that are looked up
constexpr std::size_t most_holders = 1000;  // of an image that are looked at
constexpr std::chrono::seconds longest_look{2};

event::Protocol protocol_of(const record::Miss& miss) {
  return server::protocol_of(miss.protocol).value_or(event::Protocol::sftp);
}

// One that takes too long is told as it was: the others' answers do not go with it.
void look_again_at(MissGroup& group, const std::filesystem::path& file, storage::LiveCatalogue& catalogue,
                   const conf::Settings& settings) {
  try {
    auto history = open_history(file);
    look_again(group, history, catalogue, settings);
  } catch (const storage::DatabaseError& e) {
    if (e.kind() != storage::DatabaseError::Kind::given_up) throw;
  }
}

}  // namespace

std::vector<MissGroup> groups_of(std::vector<record::Miss> misses) {
  std::ranges::stable_sort(misses, std::ranges::greater{}, &record::Miss::last_at);
  std::vector<MissGroup> groups;
  for (auto& miss : misses) {
    const auto folder = folder_of(miss.asked);
    auto group = std::ranges::find_if(
        groups, [&](const MissGroup& each) { return each.cause == miss.cause && each.folder == folder; });
    if (group == groups.end()) {
      groups.push_back({.cause = miss.cause,
                        .folder = folder,
                        .misses = {},
                        .last_at = miss.last_at,
                        .first_at = miss.first_at,
                        .fixed = {},
                        .fix = {}});
      group = groups.end() - 1;
    }
    group->first_at = std::min(group->first_at, miss.first_at);
    group->times += miss.count;
    group->misses.push_back(std::move(miss));
  }
  for (auto& group : groups) {
    std::set<std::string> clients;
    for (const auto& miss : group.misses) clients.insert(miss.client);
    group.clients = clients.size();
  }
  return groups;
}

bool got_it_since(const record::Miss& miss, const std::vector<record::Holding>& holdings) {
  const auto name = name_of(miss.asked);
  return std::ranges::any_of(holdings, [&](const record::Holding& held) {
    return held.client == miss.client && held.last_at > miss.last_at && name_of(held.file) == name;
  });
}

void look_again(MissGroup& group, storage::HistoryQueries& history, storage::LiveCatalogue& catalogue,
                const conf::Settings& settings) {
  const auto& newest = group.misses.front();
  const auto answer = explain({settings, catalogue, newest.asked, protocol_of(newest)});
  if (!answer) group.fix = fix_of(answer.error(), protocol_of(newest));
  bool served = answer.has_value();
  std::set<std::string> names{newest.asked};
  for (const auto& miss : group.misses) {
    if (!served || !names.insert(miss.asked).second) continue;
    served = names.size() <= most_names &&
             explain({settings, catalogue, miss.asked, protocol_of(miss)}).has_value();
  }
  if (served) {
    group.fixed = "the name is served now";
    return;
  }
  std::set<std::string> files;
  std::vector<record::Holding> holdings;
  for (const auto& miss : group.misses) {
    auto name = name_of(miss.asked);
    if (name.empty() || files.size() == most_names || !files.insert(name).second) continue;
    for (auto& held : history.holdings({.file = std::move(name), .limit = most_holders}))
      holdings.push_back(std::move(held));
  }
  if (std::ranges::all_of(group.misses,
                          [&](const record::Miss& miss) { return got_it_since(miss, holdings); }))
    group.fixed =
        group.clients == 1 ? "the device got the image since" : "each of these devices got the image since";
}

std::string to_json(const MissGroup& group) {
  const auto& newest = group.misses.front();
  std::vector<std::string> clients;
  std::set<std::string> told;
  for (const auto& miss : group.misses) {
    if (clients.size() == most_clients || !told.insert(miss.client).second) continue;
    JsonObject client;
    client.add_safe("client", miss.client);
    client.add_safe("asked", miss.asked);
    client.add_safe("last_at", utc_of(miss.last_at));
    client.add("count", miss.count);
    clients.push_back(client.text());
  }
  JsonObject object;
  object.add_safe("cause", group.cause);
  object.add_safe("folder", group.folder);
  object.add_safe("asked", newest.asked);
  object.add_safe("protocol", newest.protocol);
  object.add_safe("text", newest.text);
  object.add_safe("fix", bounded_line(group.fix));
  object.add_raw("mended", group.fixed ? json_string(*group.fixed) : "null");
  object.add_safe("last_at", utc_of(group.last_at));
  object.add_safe("first_at", utc_of(group.first_at));
  object.add("times", group.times);
  object.add("clients_total", group.clients);
  object.add_raw("clients", json_list(clients));
  return object.text();
}

void MissesApi::offer(http::Router& router) {
  router.add({"GET",
              "/api/v1/misses",
              http::Role::viewer,
              false,
              {http::Door::control, http::Door::page},
              [this](const http::Request& request, const std::string&, http::Respond respond) {
                answer(request, std::move(respond));
              }});
}

void MissesApi::answer(const http::Request& request, http::Respond respond) {
  Query query(request.query, {"client", "cause", "since", "limit", "after"});
  storage::HistoryFilter filter;
  if (const auto client = query.text("client")) filter.client = escaped(*client);
  if (const auto cause = query.text("cause")) filter.cause = escaped(*cause);
  filter.since = query.time("since", milliseconds_now());
  filter.limit = most_misses;
  const auto limit = query.number("limit", usual_groups, 1, usual_groups),
             after = query.number("after", 0, 0, most_misses);
  if (!query.fault().empty()) return respond(http::safe_problem(400, "bad request", query.fault()));
  desk_.answer(asker_of(request), std::move(respond),
               [&library = sources_.library, settings = sources_.settings.now(), filter, limit, after] {
                 const auto file = library.depot.history();
                 auto groups = groups_of(open_history(file).misses(filter));
                 const auto until = std::chrono::steady_clock::now() + longest_look;
                 std::string items;
                 const auto end = std::min<std::uint64_t>(after + limit, groups.size());
                 for (auto i = after; i < end; ++i) {
                   if (std::chrono::steady_clock::now() < until)
                     look_again_at(groups[i], file, library.catalogue, *settings);
                   items.append(items.empty() ? "" : ",\n").append(to_json(groups[i]));
                 }
                 return Reply{.body = fmt::format("{{\"items\":[{}],\"next\":{},\"total\":{}}}\n", items,
                                                  end < groups.size() ? fmt::format("{}", end) : "null",
                                                  groups.size())};
               });
}

}  // namespace server
