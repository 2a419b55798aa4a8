#include "server/api/api.hpp"

#include <fmt/format.h>

#include <boost/asio/ip/host_name.hpp>

#include <charconv>
#include <utility>
#include <vector>

#include "server/api/transfers.hpp"
#include "server/events/process.hpp"
#include "server/files/library.hpp"
#include "server/loop/lanes.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/json.hpp"
#include "server/text/time.hpp"
#include "storage/files/path_text.hpp"

namespace server {
namespace {

using http::Reply;
using http::Request;
using http::Role;

std::uint64_t sum(const Tally::Counts& counts, std::string_view second) {
  std::uint64_t all = 0;
  for (const auto& [labels, count] : counts)
    if (second.empty() || labels.second == second) all += count;
  return all;
}

std::optional<Running::Id> id_of(const std::string& text) {
  Running::Id id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return id;
}

std::string name_of_host() {
  error_code error;
  auto name = boost::asio::ip::host_name(error);
  return error ? std::string() : name;
}

std::string rollout_json(const Facts::Goal& goal) {
  JsonObject object;
  object.add_safe("release", goal.release);
  object.add_safe("version", goal.version);
  object.add("have", goal.have);
  object.add("of", goal.of);
  object.add("never_seen", goal.counts.at(static_cast<std::size_t>(RolloutStatus::never_seen)));
  return object.text();
}

std::string disk_json(const Facts::Room& room) {
  JsonObject object;
  object.add("free", room.free);
  object.add("total", room.total);
  return object.text();
}

std::string today_json(const Facts::Today& today) {
  JsonObject object;
  object.add("whole", today.whole);
  object.add("partly", today.partly);
  object.add("broke_off", today.broke_off);
  object.add("misses", today.misses);
  return object.text();
}

// The bundles that are on their way in, or were rejected within a day.
std::string imports_json(const Imports& imports, Imports::Clock::time_point now) {
  std::vector<std::string> running;
  for (const auto& row : imports.rows())
    if (row.state == Imports::State::running) running.push_back(to_json(row));
  JsonObject object;
  object.add_raw("running", json_list(running));
  object.add("rejected", imports.rejected_since(now - std::chrono::days(1)).size());
  return object.text();
}

constexpr std::size_t most_verdicts = 20;

std::string_view word(Role role) {
  switch (role) {
    case Role::none:
      return "none";
    case Role::viewer:
      return "viewer";
    case Role::admin:
      break;
  }
  return "admin";
}

// The page's own files are none.
Reply endpoints(const http::Router& router) {
  std::vector<std::string> items;
  for (const auto& route : router.routes()) {
    if (route.doors == http::Doors{http::Door::page} && !route.pattern.starts_with("/api/")) continue;
    JsonObject object;
    object.add_safe("method", route.method);
    object.add_safe("path", route.pattern);
    object.add_safe("needs", word(route.needs));
    object.add("writes", route.writes);
    items.push_back(object.text());
  }
  return {.body = fmt::format("{{\"items\":{},\"next\":null}}\n", json_list(items))};
}

}  // namespace

Api::Api(Sources sources)
    : sources_(std::move(sources)),
      host_(name_of_host()),
      desk_(sources_.lanes.asking, sources_.events),
      said_(sources_.keep),
      reads_(sources_.loop, sources_.running),
      facts_(sources_, said_, reads_),
      history_(sources_, desk_),
      devices_(sources_, desk_, said_, reads_),
      rollout_(sources_, desk_, said_, reads_),
      releases_(sources_, desk_),
      imports_api_(sources_, desk_, imports_),
      misses_(sources_, desk_),
      questions_(sources_, desk_),
      health_(sources_, desk_),
      users_(sources_),
      uploads_(sources_, desk_) {}

void Api::note(const Event& event) { imports_.note(event, Imports::Clock::now()); }

void Api::offer(http::Router& router) {
  using http::Door;
  const http::Doors all{Door::control, Door::page, Door::metrics}, inside{Door::control, Door::page};
  const auto get = [&router](std::string pattern, Role needs, http::Doors doors, auto answer) {
    router.add(
        {"GET", std::move(pattern), needs, false, std::move(doors),
         http::at_once([answer](const Request& request, const std::string&) { return answer(request); })});
  };
  get("/api/v1/endpoints", Role::viewer, inside, [&router](const Request&) { return endpoints(router); });
  router.add({"GET", "/api/v1/status", Role::viewer, false, inside,
              [this](const Request&, const std::string&, http::Respond respond) {
                reads_.sum([this, respond = std::move(respond)](const Movements& moving) mutable {
                  respond(status(moving));
                });
              }});
  get("/api/v1/transfers", Role::viewer, inside,
      [this](const Request& request) { return transfers(request); });
  router.add(
      {"DELETE", "/api/v1/transfers/{}", Role::admin, true, inside,
       http::at_once([this](const Request& request, const std::string& id) { return stop(request, id); })});
  get("/api/v1/recent", Role::viewer, inside,
      [this](const Request&) { return Reply{.body = recent_json(sources_.recent)}; });
  router.add({"GET", "/metrics", Role::viewer, false, all,
              [this](const Request& request, const std::string&, http::Respond respond) {
                const bool open = request.accept.find("application/openmetrics-text") != std::string::npos;
                reads_.sum([this, open, respond = std::move(respond)](const Movements& moving) mutable {
                  respond(metrics(moving, open));
                });
              }});
  get("/healthz", Role::none, all, [this](const Request&) {
    const bool draining = sources_.now().draining;
    return Reply{
        .status = draining ? 503U : 200U, .type = "text/plain", .body = draining ? "draining\n" : "ok\n"};
  });
  history_.offer(router);
  devices_.offer(router);
  rollout_.offer(router);
  releases_.offer(router);
  imports_api_.offer(router);
  misses_.offer(router);
  questions_.offer(router);
  health_.offer(router);
  users_.offer(router);
  uploads_.offer(router);
}

Situation Api::situation(const Facts& facts, const ApiSources::Now& process, const Movements& movements) {
  const auto now = Imports::Clock::now();
  Situation at;
  at.draining = process.draining;
  if (process.certificate_ends)
    at.certificate_days =
        std::chrono::floor<std::chrono::days>(*process.certificate_ends - std::chrono::system_clock::now())
            .count();
  if (const auto found = health_.latest()) at.failing = failing_in(found->rows);
  at.misses = facts.misses;
  at.running = sources_.running.rows().size();
  at.stalled = movements.stalled;
  at.heard = open_complaints(sources_.recent, now);
  at.broken = open_ends(sources_.recent, now);
  for (const auto& row : imports_.rejected_since(now - std::chrono::days(1)))
    at.rejected.push_back({escaped(row.file), escaped(row.reason, most_of_archive)});
  if (facts.room) at.free = facts.room->free;
  at.largest = facts.largest;
  at.oldest = facts.oldest;
  if (facts.goal) {
    constexpr std::int64_t hour = 3'600'000;
    const auto& counts = facts.goal->counts;
    at.goal = {facts.goal->version, facts.goal->have, facts.goal->of,
               counts.at(static_cast<std::size_t>(RolloutStatus::never_seen)),
               milliseconds_now() - facts.goal->imported >= hour};
  }
  return at;
}

Reply Api::status(const Movements& movements) {
  const auto now = sources_.now();
  const auto facts = facts_.now();
  auto verdicts = verdicts_of(situation(facts ? *facts : Facts(), now, movements));
  if (verdicts.size() > most_verdicts) verdicts.resize(most_verdicts);
  std::vector<std::string> told;
  for (const auto& each : verdicts) told.push_back(to_json(each));
  JsonObject listen, transfers, since, loop, status;
  listen.add_raw("tftp", json_texts(now.tftp));
  listen.add_raw("ssh", json_texts(now.ssh));
  listen.add_raw("http", json_texts(now.http));
  listen.add_raw("web", json_texts(now.web));
  listen.add_raw("syslog", json_texts(now.syslog));
  transfers.add("running", sources_.running.rows().size());
  transfers.add("stalled", movements.stalled);
  transfers.add_raw("rate", fmt::format("{:.0f}", movements.rate));
  since.add("whole", sum(sources_.tally.transfers, "whole"));
  since.add("partly", sum(sources_.tally.transfers, "partly"));
  since.add("broke_off", sum(sources_.tally.transfers, "broke_off"));
  since.add("misses", sum(sources_.tally.misses, {}));
  since.add("bytes", sum(sources_.tally.bytes, {}));
  loop.add_raw("longest_ms",
               fmt::format("{:.1f}", std::chrono::duration<double, std::milli>(now.turns.longest).count()));
  status.add_safe("version", APDEPOT_VERSION);
  status.add_safe("started_at", utc(started_));
  status.add_safe("now", utc(std::chrono::system_clock::now()));
  status.add("draining", now.draining);
  status.add("host", host_);
  status.add("depot", storage::utf8_of(sources_.library.depot.directory()), whole);
  status.add_raw("listen", listen.text());
  status.add_raw("verdict", json_list(told));
  status.add_raw("transfers", transfers.text());
  status.add("sessions", now.sessions);
  status.add_raw("releases", now.releases ? fmt::format("{}", *now.releases) : "null");
  status.add_raw("since_start", since.text());
  status.add_raw("today", facts && facts->today ? today_json(*facts->today) : "null");
  status.add_raw("rollout", facts && facts->goal ? rollout_json(*facts->goal) : "null");
  status.add_raw("disk", facts && facts->room ? disk_json(*facts->room) : "null");
  status.add_raw("imports", imports_json(imports_, Imports::Clock::now()));
  status.add_raw("loop", loop.text());
  return {.body = status.text() + "\n"};
}

Reply Api::transfers(const Request& request) const {
  constexpr std::string_view after = "after=";
  const bool from_start = request.query.empty();
  const auto id = request.query.starts_with(after) ? id_of(request.query.substr(after.size())) : std::nullopt;
  if (!from_start && !id)
    return http::problem(400, "bad request", fmt::format("{} is not a query of this list", request.query),
                         "?after=ID, with the `next` of the answer before");
  return {.body = transfers_json(sources_.running, id.value_or(0), Running::Clock::now())};
}

Reply Api::stop(const Request& request, const std::string& text) const {
  const auto id = id_of(text);
  if (id && sources_.running.stop(*id)) {
    desk_.tell({who_asks(request), "stop transfer", text, "done"});
    return {.status = 204};
  }
  return http::problem(404, "not found", fmt::format("no transfer {} is running", text),
                       "`apdepot status` shows the transfers that run, and their numbers");
}

Reply Api::metrics(const Movements& movements, bool open_metrics) {
  const auto now = sources_.now();
  Gauges gauges{.version = APDEPOT_VERSION,
                .started_at = std::chrono::duration<double>(started_.time_since_epoch()).count(),
                .running = {{"http", 0}, {"scp", 0}, {"sftp", 0}, {"tftp", 0}},
                .stalled = movements.stalled,
                .sessions = now.sessions,
                .releases = now.releases,
                .turns = now.turns};
  add_facts(gauges);
  for (const auto& [protocol, count] : movements.running) gauges.running[protocol] = count;
  return {.type = open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                               : "text/plain; version=0.0.4; charset=utf-8",
          .body = metrics_text(sources_.tally, gauges, open_metrics)};
}

// What they tell is up to ten seconds old, and of the doctor ten minutes.
void Api::add_facts(Gauges& gauges) {
  if (const auto success = imports_.last_success())
    gauges.last_import = std::chrono::duration<double>(success->time_since_epoch()).count();
  if (const auto found = health_.found())
    for (const auto& row : found->rows) ++gauges.health[doctor::word(row.result.state())];
  const auto facts = facts_.now();
  if (!facts) return;
  if (facts->room) gauges.free = facts->room->free;
  gauges.unverified = facts->unverified;
  for (const auto& [kind, count] : facts->devices) gauges.devices[word(kind)] = count;
  if (!facts->goal) return;
  for (std::size_t i = 0; i < rollout_statuses; ++i)
    gauges.rollout[word(static_cast<RolloutStatus>(i))] = facts->goal->counts.at(i);
  gauges.goal = facts->goal->release;
}

}  // namespace server
