#include "server/api/rollout_api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/settings.hpp"
#include "server/api/history.hpp"
#include "server/api/query.hpp"
#include "server/api/recent.hpp"
#include "server/files/library.hpp"
#include "server/loop/live_settings.hpp"
#include "server/text/json.hpp"
#include "server/text/time.hpp"

namespace server {
namespace {

using http::Reply;

constexpr std::size_t usual_rows = 100, most_rows = 1000;

std::string text_or_null(const std::string& safe) { return safe.empty() ? "null" : json_string(safe); }

std::vector<std::string_view> status_words() {
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < rollout_statuses; ++i) words.push_back(word(static_cast<RolloutStatus>(i)));
  return words;
}

HeardByDevice heard_in(const Recent& recent) {
  HeardByDevice heard;
  for (const auto& [time, what] : recent.heard()) {
    const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
    heard[what.client] = {at, bounded_line(what.finding)};
  }
  return heard;
}

struct Wanted {
  Library& library;
  std::shared_ptr<const conf::Settings> settings;
  std::shared_ptr<const Said::Rows> fresh;
  std::optional<std::string> release;
  std::string site, status;
  std::uint64_t limit, after;
  HeardByDevice heard;
  std::shared_ptr<const RunningReads::Reads> reads = {};

  Reply answer() const {
    const auto releases = releases_of(library);
    const auto found = release ? named(releases) : current_release(releases);
    if (!found)
      return http::problem(404, "not found",
                           release ? fmt::format("{} is not a release here", *release)
                                   : std::string("nothing is imported yet"),
                           release ? "GET /api/v1/releases lists them" : "apdepot import BUNDLE.zip");
    const auto file = library.depot.history();
    auto history = open_history(file);
    const auto fleet = read_fleet(history, *fresh, settings->expected);
    auto rows = read_rollout(history, *found, fleet, *reads);
    add_heard(rows, heard);
    return page_of(*found, std::move(rows));
  }

  std::optional<storage::Release> named(const std::vector<storage::Release>& releases) const {
    const auto at =
        std::ranges::find_if(releases, [&](const auto& each) { return each.path.text() == *release; });
    return at == releases.end() ? std::nullopt : std::optional(*at);
  }

  Reply page_of(const storage::Release& wanted, std::vector<RolloutRow> rows) const {
    std::set<std::string> sites;
    for (const auto& row : rows)
      if (!row.site.empty()) sites.insert(row.site);
    auto rollout = rollout_of(wanted, std::move(rows), site);
    JsonObject counts, object;
    for (std::size_t i = 0; i < rollout_statuses; ++i)
      counts.add(word(static_cast<RolloutStatus>(i)), rollout.counts.at(i));
    object.add_safe("release", rollout.release);
    object.add_raw("version", wanted.version ? json_text(wanted.version->joined('.')) : "null");
    object.add_raw("imported_at", wanted.imported_at ? json_text(*wanted.imported_at) : "null");
    object.add("have", rollout.have);
    object.add("total", rollout.total);
    object.add_raw("counts", counts.text());
    object.add_raw("sites", json_texts({sites.begin(), sites.end()}));
    object.add_raw("images", images_of(wanted, rollout));
    auto& all = rollout.rows;
    if (!status.empty())
      std::erase_if(all, [&](const RolloutRow& row) { return word(row.status) != status; });
    std::string items;
    const auto end = std::min<std::uint64_t>(after + limit, all.size());
    for (auto i = after; i < end; ++i) items.append(items.empty() ? "" : ",\n").append(to_json(all[i]));
    object.add_raw("items", fmt::format("[{}]", items));
    object.add_raw("next", end < all.size() ? fmt::format("{}", end) : "null");
    return {.body = object.text() + "\n"};
  }

  // Of each family that a device needs or the release has: who has it, and who needs it.
  static std::string images_of(const storage::Release& wanted, const Rollout& rollout) {
    struct Count {
      std::size_t have = 0, need = 0;
    };
    std::map<std::string, Count> families;
    for (const auto& image : wanted.images)
      if (storage::is_image_family(image.name)) families[image.name];
    for (const auto& row : rollout.rows) {
      if (row.image.empty()) continue;
      auto& count = families[row.image];
      ++count.need;
      if (row.status == RolloutStatus::fetched || row.status == RolloutStatus::reported) ++count.have;
    }
    std::vector<std::string> values;
    for (const auto& [family, count] : families) {
      JsonObject object;
      object.add_safe("image", family);
      object.add("there", has_image(wanted, family));
      object.add("have", count.have);
      object.add("need", count.need);
      values.push_back(object.text());
    }
    return json_list(values);
  }
};

}  // namespace

std::optional<storage::Release> current_release(const std::vector<storage::Release>& releases) {
  const bool promoted = std::ranges::any_of(releases, &storage::Release::current);
  std::optional<storage::Release> found;
  for (const auto& each : releases) {
    if (promoted && !each.current) continue;
    if (!found || each.imported_at.value_or("") >= found->imported_at.value_or("")) found = each;
  }
  return found;
}

std::vector<storage::Release> releases_of(Library& library) {
  const auto catalogue = library.catalogue.now();
  if (!catalogue) return {};
  std::vector<std::string> ignored;
  return storage::releases_in(library.depot, *catalogue, ignored);
}

std::string to_json(const RolloutRow& row) {
  JsonObject object;
  object.add_raw("address", text_or_null(row.address));
  object.add_raw("name", text_or_null(row.name));
  object.add_raw("model", text_or_null(row.model));
  object.add_raw("site", text_or_null(row.site));
  object.add_raw("image", text_or_null(row.image));
  object.add_safe("status", word(row.status));
  object.add_raw("percent", row.percent ? fmt::format("{}", *row.percent) : "null");
  object.add("tries", row.tries);
  object.add_raw("last_at", row.last_at ? json_string(utc_of(*row.last_at)) : "null");
  object.add_raw("method", text_or_null(row.method));
  object.add_safe("evidence", bounded_line(row.evidence));
  return object.text();
}

void RolloutApi::offer(http::Router& router) {
  router.add({"GET",
              "/api/v1/rollout",
              http::Role::viewer,
              false,
              {http::Door::control, http::Door::page},
              [this](const http::Request& request, const std::string&, http::Respond respond) {
                answer(request, std::move(respond));
              }});
}

void RolloutApi::answer(const http::Request& request, http::Respond respond) {
  Query query(request.query, {"release", "site", "status", "limit", "after"});
  const auto limit = query.number("limit", usual_rows, 1, most_rows);
  const auto after = query.number("after", 0, 0, most_devices_read * 2);
  const auto status = query.one_of("status", status_words());
  if (!query.fault().empty()) return respond(http::safe_problem(400, "bad request", query.fault()));
  Wanted wanted{sources_.library,
                sources_.settings.now(),
                said_.fresh(Said::Clock::now()),
                query.text("release"),
                query.text("site").value_or(""),
                status.value_or(""),
                limit,
                after,
                heard_in(sources_.recent)};
  reads_.collect([this, asker = asker_of(request), wanted = std::move(wanted),
                  respond = std::move(respond)](auto reads) mutable {
    wanted.reads = std::move(reads);
    desk_.answer(asker, std::move(respond), [wanted = std::move(wanted)] { return wanted.answer(); });
  });
}

}  // namespace server
