#include <fmt/format.h>

#include <boost/version.hpp>
#include <cstdio>
#include <utility>
#include <vector>

#include "server/commands/command.hpp"
#include "server/doctor/libraries.hpp"
#include "server/text/json.hpp"

namespace server {
namespace {

constexpr Flag flags[]{{"--json", "", "print JSON"}};

int run(Arguments& arguments) {
  arguments.expect_no_more();
  const auto boost =
      fmt::format("{}.{}.{}", BOOST_VERSION / 100'000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
  const auto fmt_version =
      fmt::format("{}.{}.{}", FMT_VERSION / 10'000, FMT_VERSION / 100 % 100, FMT_VERSION % 100);
  std::vector<doctor::Library> parts{{"apdepot", APDEPOT_VERSION}, {"boost", boost}};
  for (auto& library : doctor::libraries()) parts.push_back(std::move(library));
  parts.push_back({"fmt", fmt_version});
  if (arguments.has("--json")) {
    JsonObject object;
    for (const auto& [name, version] : parts) object.add(name, version);
    fmt::print("{}\n", object.text());
  } else {
    for (const auto& [name, version] : parts) fmt::print("{} {}\n", name, version);
  }
  return 0;
}

}  // namespace

const Command version_command{"version", "", "prints the version, and those of what it is built on", flags,
                              run};

}  // namespace server
