#include "storage/import.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <system_error>

#include "server/commands/command.hpp"
#include "server/escape.hpp"
#include "server/json.hpp"

namespace server {
namespace {

constexpr Flag flags[]{{"--json", "", "print JSON, an object a line"}};

void print(const std::string& file, const storage::Imported& imported, bool json) {
  for (const auto& warning : imported.warnings)
    fmt::print(stderr, "{}: {}\n", escaped(file), escaped(warning));
  if (imported.already_there) {
    fmt::print(stderr, "{} is published already as {}: nothing was changed\n", escaped(file), imported.path);
  }
  if (!json) {
    fmt::print("{}\n", imported.path);
    return;
  }
  JsonObject object;
  object.add("file", file);
  object.add("path", imported.path);
  object.add("members", imported.members);
  object.add("bytes", imported.bytes);
  object.add("already_there", imported.already_there);
  fmt::print("{}\n", object.text());
}

int run(Arguments& arguments) {
  if (arguments.words().empty()) throw UsageError("FILE is missing");
  const auto settings = load_settings(arguments).settings;
  const storage::Depot depot(settings.depot);
  int status = 0;
  for (const auto& file : arguments.words()) {
    try {
      print(file, storage::import_bundle(depot, file, settings.import), arguments.has("--json"));
    } catch (const storage::Rejected& e) {
      fmt::print(stderr, "apdepot: {} is not published: {}\n", escaped(file), escaped(e.what()));
      status = 1;
    } catch (const std::system_error& e) {
      fmt::print(stderr, "apdepot: {} cannot be imported: {}\n", escaped(file), escaped(e.what()));
      status = 1;
    }
  }
  return status;
}

}  // namespace

const Command import_command{"import", "FILE...",
                             "verifies and publishes bundles; prints each release's path", flags, run};

}  // namespace server
