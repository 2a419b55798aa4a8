#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>

#include "conf/load.hpp"
#include "server/api/controller_lines.hpp"
#include "server/commands/command.hpp"
#include "storage/depot/depot.hpp"

namespace server {
namespace {

constexpr Flag flags[]{
    {"--json", "", "print JSON"},
    {"--mode", "tftp|sftp|http", "the protocol, tftp unless told; http: lines for access points"},
    {"--address", "ADDR", "this server's address as the controller sees it"}};

int run(Arguments& arguments) {
  const auto wanted = arguments.take_word("RELEASE");
  arguments.expect_no_more();
  const auto mode = arguments.value("--mode").value_or("tftp");
  if (mode != "tftp" && mode != "sftp" && mode != "http")
    throw UsageError(fmt::format("--mode {}: it is tftp, sftp or http", mode));
  const auto settings = load_settings(arguments).settings;
  const auto depot = existing_depot(settings);
  const auto made = controller_lines(settings, depot, wanted, mode, arguments.value("--address"));
  if (!made.others.empty())
    fmt::print(stderr, "this host's addresses are {}, {}: take the one that the controller reaches\n",
               made.address, fmt::join(made.others, ", "));
  if (arguments.has("--json")) {
    fmt::print("{}\n", to_json(made));
  } else {
    fmt::print("{}", made.lines);
  }
  return 0;
}

}  // namespace

const Command wlc_config_command{"wlc-config", "RELEASE",
                                 "prints the controller's configuration lines for a release", flags, run};

}  // namespace server
