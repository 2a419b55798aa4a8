#include "server/api/api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "server/api/transfers.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/json.hpp"
#include "server/text/time.hpp"

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

}  // namespace

void Api::offer(http::Router& router) {
  const auto get = [&router](std::string pattern, Role role, bool at_metrics, auto answer) {
    router.add({"GET", std::move(pattern), role, at_metrics,
                [answer](const Request& request, const std::string&) { return answer(request); }});
  };
  get("/api/v1", Role::none, false,
      [](const Request&) { return Reply{.body = "{\"api\":\"v1\",\"version\":\"" APDEPOT_VERSION "\"}\n"}; });
  get("/api/v1/status", Role::viewer, false, [this](const Request&) { return status(); });
  get("/api/v1/transfers", Role::viewer, false,
      [this](const Request& request) { return transfers(request); });
  router.add({"DELETE", "/api/v1/transfers/{}", Role::admin, false,
              [this](const Request&, const std::string& id) { return stop(id); }});
  get("/api/v1/recent", Role::viewer, false,
      [this](const Request&) { return Reply{.body = recent_json(sources_.recent)}; });
  get("/metrics", Role::viewer, true, [this](const Request& request) { return metrics(request); });
  get("/healthz", Role::none, true, [this](const Request&) {
    const bool draining = sources_.now().draining;
    return Reply{draining ? 503U : 200U, "text/plain", draining ? "draining\n" : "ok\n"};
  });
}

std::size_t Api::stalled() const {
  const auto now = Running::Clock::now();
  return static_cast<std::size_t>(std::ranges::count_if(sources_.running.rows(), [&](const auto& each) {
    return movement_of(each.second, now) == Movement::stalled;
  }));
}

Reply Api::status() const {
  const auto now = sources_.now();
  JsonObject listen, transfers, since, loop, status;
  listen.add_raw("tftp", json_texts(now.tftp));
  listen.add_raw("ssh", json_texts(now.ssh));
  listen.add_raw("http", json_texts(now.http));
  transfers.add("running", sources_.running.rows().size());
  transfers.add("stalled", stalled());
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
  status.add("depot", sources_.depot, whole);
  status.add_raw("listen", listen.text());
  status.add_raw("transfers", transfers.text());
  status.add("sessions", now.sessions);
  status.add_raw("releases", now.releases ? fmt::format("{}", *now.releases) : "null");
  status.add_raw("since_start", since.text());
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

Reply Api::stop(const std::string& text) const {
  const auto id = id_of(text);
  if (id && sources_.running.stop(*id)) return {204, "application/json", {}};
  return http::problem(404, "not found", fmt::format("no transfer {} is running", text),
                       "`apdepot status` shows the transfers that run, and their numbers");
}

Reply Api::metrics(const Request& request) const {
  const auto now = sources_.now();
  Gauges gauges{.version = APDEPOT_VERSION,
                .started_at = std::chrono::duration<double>(started_.time_since_epoch()).count(),
                .running = {{"scp", 0}, {"sftp", 0}, {"tftp", 0}},
                .stalled = stalled(),
                .sessions = now.sessions,
                .releases = now.releases,
                .turns = now.turns};
  for (const auto& [id, row] : sources_.running.rows()) ++gauges.running[word(row.what.protocol)];
  const bool open_metrics = request.accept.find("application/openmetrics-text") != request.accept.npos;
  return {200,
          open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                       : "text/plain; version=0.0.4; charset=utf-8",
          metrics_text(sources_.tally, gauges, open_metrics)};
}

}  // namespace server
