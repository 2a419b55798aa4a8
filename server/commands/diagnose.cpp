#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "conf/load.hpp"
#include "server/commands/command.hpp"
#include "server/commands/text_input.hpp"
#include "server/diagnosis/finding.hpp"
#include "server/os/addresses.hpp"
#include "server/text/controller_log.hpp"
#include "server/text/escape.hpp"
#include "server/text/json.hpp"
#include "storage/depot/depot.hpp"
#include "storage/lookup/live_catalogue.hpp"

namespace server {
namespace {

constexpr Flag flags[]{{"--address", "ADDR", "this server's address as devices know it; repeatable"},
                       {"--json", "", "print JSON"}};

std::vector<std::string> addresses_of(const Arguments& arguments) {
  auto named = arguments.values("--address");
  if (!named.empty()) return named;
  for (const auto& address : own_addresses()) named.push_back(address.to_string());
  return named;
}

struct Row {
  std::string when;  // escaped
  Finding found;
};

void print(const Row& row) {
  const auto& [when, found] = row;
  fmt::print("{}{}{}\n", when, when.empty() ? "" : ": ", found.what);
  if (found.what.find(found.fix) == found.what.npos) fmt::print("  {}\n", found.fix);
}

std::string to_json(const Row& row) {
  JsonObject object;
  object.add_safe("when", row.when);
  object.add("bad", row.found.bad);
  object.add_safe("what", row.found.what);
  object.add_safe("fix", row.found.fix);
  return object.text();
}

std::vector<Row> rows_of(const Here& here, const std::vector<storage::LogMessage>& messages) {
  std::vector<Row> rows;
  SaidBefore before;
  for (const auto& message : messages) {
    if (before.has_told(message)) continue;
    before.note(message);
    auto found = finding_of(here, message, before, "the controller", std::nullopt);
    if (found) rows.push_back({escaped(message.when), std::move(*found)});
  }
  return rows;
}

int run(Arguments& arguments) {
  const auto name = arguments.take_word("FILE");
  arguments.expect_no_more();
  const auto messages = read_controller_log(read_text(name));
  const auto settings = load_settings(arguments).settings;
  act_as_service(settings);
  const auto depot = storage::Depot::existing(settings.depot);
  storage::LiveCatalogue catalogue(depot);
  const auto rows = rows_of({settings, catalogue, addresses_of(arguments)}, messages);
  if (arguments.has("--json")) {
    std::string list;
    for (const auto& row : rows) list.append(list.empty() ? "" : ",\n ").append(to_json(row));
    fmt::print("[{}]\n", list);
  } else {
    for (const auto& row : rows) print(row);
  }
  if (messages.empty())
    fmt::print(stderr,
               "no line of {} is about images: `show logging` on the controller has those that are, such as "
               "%INSTALL-3-OPERATION_ERROR_MESSAGE\n",
               name == "-" ? "the input" : escaped(name, whole));
  const bool bad = std::ranges::any_of(rows, [](const Row& row) { return row.found.bad; });
  return bad || messages.empty() ? 1 : 0;
}

}  // namespace

const Command diagnose_command{"diagnose", "FILE|-",
                               "says what a controller's or an access point's log means for this server",
                               flags, run};

}  // namespace server
