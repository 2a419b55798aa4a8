#include "storage/releases/verify.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <span>

#include "server/api/release_named.hpp"
#include "server/commands/command.hpp"
#include "server/text/escape.hpp"
#include "server/text/release_json.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/root.hpp"

namespace server {
namespace {

constexpr Flag flags[]{{"--json", "", "print JSON"}};

std::vector<storage::Path> wanted_releases(const Arguments& arguments, const storage::Depot& depot) {
  if (arguments.words().empty()) return storage::imported_releases(depot);
  return {find_release(storage::Root(depot.images()), arguments.words().front())};
}

void print(const storage::Verification& found) {
  for (const auto& text : found.remarks)
    fmt::print(stderr, "{}: {}\n", escaped(found.path, whole), escaped(text, most_of_ours));
  for (const auto& text : found.differences)
    fmt::print("{}: {}\n", escaped(found.path, whole), escaped(text, most_of_ours));
  if (found.differences.empty())
    fmt::print("{}: {} files, {} bytes, {}\n", escaped(found.path, whole), found.files, found.bytes,
               found.recorded ? "as imported" : "nothing recorded to compare with");
}

int run(Arguments& arguments) {
  if (arguments.words().size() > 1) throw UsageError("verify takes one RELEASE, or none for all");
  const auto depot = existing_depot(arguments);
  depot.expect_readable_records();
  std::string list;
  int status = 0;
  for (const auto& path : wanted_releases(arguments, depot)) {
    const auto found = storage::verify_release(depot, path);
    if (!found.differences.empty()) status = 1;
    if (!arguments.has("--json")) print(found);
    list.append(list.empty() ? "" : ",\n ").append(json_of(found));
  }
  if (arguments.has("--json")) fmt::print("[{}]\n", list);
  if (list.empty()) fmt::print(stderr, "nothing is imported yet: there is nothing to verify\n");
  return status;
}

}  // namespace

const Command verify_command{
    "verify", "[RELEASE]", "re-checks published files against what import recorded, and their own structure",
    flags, run};

}  // namespace server
