#include "storage/releases/retire.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "server/api/release_named.hpp"
#include "server/commands/command.hpp"
#include "server/text/escape.hpp"
#include "server/text/json.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/root.hpp"

namespace server {
namespace {

constexpr Flag flags[]{{"--force", "", "even what `current` points at; `current` goes too"},
                       {"--json", "", "print JSON"}};

int run(Arguments& arguments) {
  const auto wanted = arguments.take_word("RELEASE");
  arguments.expect_no_more();
  const auto depot = existing_depot(arguments);
  const auto release = find_release(storage::Root(depot.images()), wanted);
  const auto current = arguments.has("--force") ? storage::Current::removed : storage::Current::kept;
  const auto retired = storage::retire(depot, release, current);
  if (arguments.has("--json")) {
    JsonObject object;
    object.add("path", retired.path, whole);
    object.add("moved_to", retired.moved_to, whole);
    fmt::print("{}\n", object.text());
    return 0;
  }
  fmt::print("{}\n", escaped(retired.moved_to, whole));
  fmt::print(stderr, "{} is out of service; transfers of it that run go on\n", escaped(retired.path, whole));
  return 0;
}

}  // namespace

const Command retire_command{"retire", "RELEASE", "takes a release out of service; its files are kept", flags,
                             run};

}  // namespace server
