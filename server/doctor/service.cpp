#include "server/doctor/service.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <sstream>

#include "server/doctor/check.hpp"
#include "server/os/host_text.hpp"
#include "server/text/escape.hpp"

namespace server::doctor {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t many_restarts = 3;

std::uint64_t number_in(const std::string& text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

void take(Unit& unit, const std::string& name, const std::string& value) {
  if (name == "LoadState") unit.load = value;
  if (name == "ActiveState") unit.active = value;
  if (name == "UnitFileState") unit.enabled = value;
  if (name == "NRestarts") unit.restarts = number_in(value);
  if (name == "ActiveEnterTimestampMonotonic") unit.began = std::chrono::microseconds(number_in(value));
}

void look(Sight& sight) {
  if (!sight.units) sight.units = read_units();
}

Result run(const Sight& sight) {
  if (!sight.units) return not_seen(fmt::format("{} could not be asked", host::service_manager));
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return judge_service(*sight.units, std::chrono::duration_cast<std::chrono::microseconds>(now));
}

}  // namespace

Units units_in(const std::string& text) {
  Units units;
  const std::array order{&units.service, &units.tftp, &units.ssh, &units.http, &units.https};
  std::size_t number = 0;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line) && number < order.size();) {
    if (line.empty()) {
      ++number;
      continue;
    }
    const auto equals = line.find('=');
    if (equals != line.npos) take(*order[number], line.substr(0, equals), line.substr(equals + 1));
  }
  return units;
}

Result judge_service(const Units& units, std::chrono::microseconds now) {
  if (!units.failure.empty()) return not_seen(units.failure);
  Result result;
  const auto& unit = units.service;
  if (!unit.is_loaded()) {
    result.look(fmt::format("{} has no service apdepot: nothing starts the server at the next boot",
                            host::service_manager),
                host::install);
    return result;
  }
  if (unit.active == "failed") {
    result.fails("the service apdepot has failed", host::log_errors);
  } else if (unit.active != "active" && unit.active != "activating" && unit.active != "reloading") {
    result.fails(fmt::format("the service apdepot does not run: it is {}", escaped(unit.active)),
                 host::start);
  }
  if (unit.restarts > many_restarts && now - unit.began < 1h)
    result.look(fmt::format("{} has restarted the service {} times, the last time {} min ago",
                            host::service_manager, unit.restarts,
                            std::chrono::duration_cast<std::chrono::minutes>(now - unit.began).count()),
                host::log_errors);
  if (unit.enabled != "enabled" && unit.enabled != "enabled-runtime")
    result.look("the service apdepot is not enabled: nothing starts the server at the next boot",
                host::enable);
  return std::move(result).or_ok("enabled, and runs");
}

const Check service_check{"service", "service", look, run};

}  // namespace server::doctor
