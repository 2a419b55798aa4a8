#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "conf/load.hpp"
#include "server/commands/command.hpp"
#include "server/doctor/report.hpp"
#include "server/events/protocol.hpp"
#include "server/files/explanation.hpp"
#include "server/os/identity.hpp"
#include "server/os/terminal.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/escape.hpp"
#include "storage/depot/depot.hpp"

namespace server {
namespace {

constexpr Flag flags[]{{"--quick", "", "read no image: releases are compared by size and time"},
                       {"--only", "ID", "this check alone; repeatable. --json shows the ids"},
                       {"--json", "", "print JSON"}};

std::vector<const doctor::Check*> wanted(const Arguments& arguments) {
  std::vector<const doctor::Check*> chosen;
  for (const auto& id : arguments.values("--only")) {
    const auto* check = doctor::find_check(id);
    if (check == nullptr)
      throw UsageError(fmt::format("--only {} is not a check; {}", escaped(id), doctor::near_ids(id)));
    chosen.push_back(check);
  }
  const auto all = doctor::checks();
  if (chosen.empty()) chosen.assign(all.begin(), all.end());
  return chosen;
}

// The configuration is one of the things that are looked at: its mistakes are findings.
void load(const Arguments& arguments, doctor::Sight& sight) {
  try {
    sight.config_file = config_file_name(arguments);
    auto loaded = load_settings(arguments);
    sight.warnings = std::move(loaded.warnings);
    sight.settings = std::make_shared<const conf::Settings>(std::move(loaded.settings));
    const auto account = choose_account(candidates(*sight.settings));
    if (sight.root && account) sight.service = std::make_shared<const Account>(*account);
  } catch (const UsageError&) {
    throw;
  } catch (const std::exception& e) {
    sight.mistakes = conf::mistakes_of(e);
  }
}

void enter_depot(doctor::Sight& sight) {
  try {
    sight.depot = storage::Depot::existing(sight.settings->depot);
  } catch (const std::exception& e) {
    sight.no_depot = escaped(e.what(), most_of_ours);
    return;
  }
  sight.server = doctor::ask_server(*sight.depot);
  sight.is_served = [&sight](const doctor::RecentMiss& miss) {
    const auto protocol = protocol_of(miss.protocol).value_or(event::Protocol::sftp);
    return explain_read(*sight.settings, *sight.depot, miss.asked, protocol).has_value();
  };
}

bool shows_colours() {
  const char* const refused = std::getenv("NO_COLOR");
  return stdout_takes_escapes() && !(refused && *refused);
}

int run(Arguments& arguments) {
  arguments.expect_no_more();
  const auto chosen = wanted(arguments);
  doctor::Sight sight;
  sight.quick = arguments.has("--quick");
  sight.root = own_account().is_root();
  load(arguments, sight);
  for (const auto* check : chosen) doctor::take_look(*check, sight);
  // From here on as the service's user: a hostile depot must not hurt root.
  if (sight.mistakes.empty()) {
    act_as_service(*sight.settings);
    enter_depot(sight);
  }
  std::vector<doctor::Row> rows;
  for (const auto* check : chosen) rows.push_back({check, doctor::result_of(*check, sight)});
  std::fputs(
      (arguments.has("--json") ? doctor::report_json(rows) : doctor::report_text(rows, shows_colours()))
          .c_str(),
      stdout);
  return doctor::any_fails(rows) ? 1 : 0;
}

}  // namespace

const Command doctor_command{
    "doctor", "", "looks for what keeps devices from their images, and says how to fix it", flags, run};

}  // namespace server
