#include "storage/import.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <system_error>

#include "server/commands/command.hpp"
#include "server/escape.hpp"
#include "server/json.hpp"
#include "storage/retire.hpp"

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

void print_retired(const storage::Depot& depot, const std::string& published, std::uint32_t keep) {
  std::vector<std::string> problems;
  for (const auto& retired : storage::retire_oldest(depot, published, keep, problems)) {
    fmt::print(stderr, "retired {} to {}: import.keep is {}\n", escaped(retired.path),
               escaped(retired.moved_to), keep);
  }
  for (const auto& problem : problems) fmt::print(stderr, "{}\n", escaped(problem));
}

int run(Arguments& arguments) {
  if (arguments.words().empty()) throw UsageError("FILE is missing");
  const auto settings = load_settings(arguments).settings;
  const storage::Depot depot(settings.depot);
  int status = 0;
  for (const auto& file : arguments.words()) {
    try {
      const auto imported = storage::import_bundle(depot, file, settings.import);
      print(file, imported, arguments.has("--json"));
      print_retired(depot, imported.path, settings.import.keep);
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
