#include "server/api/health.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "conf/settings.hpp"
#include "server/api/explanation.hpp"
#include "server/events/process.hpp"
#include "server/events/protocol.hpp"
#include "server/files/library.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/os/host_text.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/json.hpp"
#include "server/text/time.hpp"

namespace server {
namespace {

using http::Reply;
using http::Role;

std::string who_can() { return fmt::format("run `{}apdepot doctor`", host::sudo); }

HealthApi::Found look(const std::shared_ptr<const conf::Settings>& settings, Library& library,
                      const std::string& config) {
  doctor::Sight sight;
  sight.config_file = config;
  sight.settings = settings;
  sight.quick = true;
  sight.depot = library.depot;
  sight.server = doctor::ask_server(library.depot);
  sight.is_served = [&](const doctor::RecentMiss& miss) {
    const auto protocol = protocol_of(miss.protocol).value_or(event::Protocol::sftp);
    return explain({*settings, library.catalogue, miss.asked, protocol}).has_value();
  };
  for (const auto* check : doctor::checks()) doctor::take_look(*check, sight);
  std::vector<doctor::Row> rows;
  for (const auto* check : doctor::checks()) rows.push_back({check, doctor::result_of(*check, sight)});
  return {std::chrono::system_clock::now(), as_confined(std::move(rows))};
}

// `at` and `counts`.
JsonObject counted(const HealthApi::Found* found) {
  JsonObject counts, object;
  for (const auto state :
       {doctor::State::fails, doctor::State::look, doctor::State::unknown, doctor::State::ok})
    counts.add(doctor::word(state),
               found ? std::ranges::count(found->rows, state,
                                          [](const doctor::Row& row) { return row.result.state(); })
                     : 0);
  object.add_raw("at", found ? json_string(utc(found->at)) : "null");
  object.add_raw("counts", counts.text());
  return object;
}

}  // namespace

std::vector<doctor::Row> as_confined(std::vector<doctor::Row> rows) {
  for (auto& row : rows) {
    doctor::Result told;
    for (const auto& [state, found, fix] : row.result.findings()) {
      if (state == doctor::State::fails) told.fails(found, fix);
      if (state == doctor::State::look) told.look(found, fix);
      if (state == doctor::State::unknown)
        told.unknown(found, fix.empty() ? who_can() : fmt::format("{}; {}", who_can(), fix));
      if (state == doctor::State::ok) told = std::move(told).or_ok(found);
    }
    row.result = std::move(told);
  }
  return rows;
}

std::vector<Situation::Failing> failing_in(const std::vector<doctor::Row>& rows) {
  std::vector<Situation::Failing> failing;
  for (const auto& row : rows)
    for (const auto& finding : row.result.findings())
      if (finding.state == doctor::State::fails)
        failing.push_back({std::string(row.check->title), finding.found, finding.fix});
  return failing;
}

void HealthApi::offer(http::Router& router) {
  const http::Doors doors{http::Door::control, http::Door::page};
  router.add({"GET", "/api/v1/health", Role::viewer, false, doors,
              http::at_once([this](const http::Request&, const std::string&) { return told(); })});
  router.add({"POST", "/api/v1/health/run", Role::admin, true, doors,
              http::at_once([this](const http::Request& request, const std::string&) {
                run();
                desk_.tell({who_asks(request), "run doctor", "health", "done"});
                return Reply{.status = 202, .body = "{\"running\":true}\n"};
              })});
}

std::shared_ptr<const HealthApi::Found> HealthApi::latest() {
  if (!found_ || std::chrono::steady_clock::now() - looked_ > kept) run();
  return found_;
}

void HealthApi::run() {
  if (running_) return;
  sources_.lanes.asking.run([settings = sources_.settings.now(), &library = sources_.library,
                             config = sources_.config] { return look(settings, library, config); },
                            [this](std::optional<Found> found) {
                              running_ = false;
                              looked_ = std::chrono::steady_clock::now();
                              if (!found) return;
                              found_ = std::make_shared<const Found>(std::move(*found));
                              sources_.looked(counted(found_.get()).text());
                            });
  running_ = true;
}

Reply HealthApi::told() {
  const auto found = latest();
  auto object = counted(found.get());
  object.add("running", running_);
  auto rows = found ? found->rows : std::vector<doctor::Row>();
  std::ranges::stable_sort(rows, std::ranges::greater{},
                           [](const doctor::Row& row) { return row.result.state(); });
  auto items = doctor::report_json(rows);
  object.add_raw("items", items.substr(0, items.find_last_not_of('\n') + 1));
  return {.body = object.text() + "\n"};
}

}  // namespace server
