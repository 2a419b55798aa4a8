#include "storage/releases/promote.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "server/api/release_named.hpp"
#include "server/commands/command.hpp"
#include "server/text/escape.hpp"
#include "server/text/json.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/root.hpp"
#include "storage/lookup/current.hpp"

namespace server {
namespace {

constexpr Flag flags[]{{"--json", "", "print JSON"}};

int run(Arguments& arguments) {
  const auto wanted = arguments.take_word("RELEASE");
  arguments.expect_no_more();
  const auto depot = existing_depot(arguments);
  const auto release = find_release(storage::Root(depot.images()), wanted);
  storage::promote(depot, release);
  const auto current = storage::current_of(release).text();
  if (arguments.has("--json")) {
    JsonObject object;
    object.add("path", current, whole);
    object.add("release", release.text(), whole);
    fmt::print("{}\n", object.text());
    return 0;
  }
  fmt::print("{}\n", escaped(current, whole));
  fmt::print(stderr, "{} is {} now: tftp-image-path {}\n", escaped(current, whole),
             escaped(release.text(), whole), escaped(current, whole));
  return 0;
}

}  // namespace

const Command promote_command{"promote", "RELEASE", "makes it what `current` means: /EWC/current/ap1g8",
                              flags, run};

}  // namespace server
