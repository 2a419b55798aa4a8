#include "storage/import/import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "conf/load.hpp"
#include "server/commands/command.hpp"
#include "server/commands/progress_bar.hpp"
#include "server/os/identity.hpp"
#include "server/text/escape.hpp"
#include "server/text/json.hpp"
#include "storage/depot/depot.hpp"
#include "storage/depot/staging.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"
#include "storage/import/digest_file.hpp"

namespace server {
namespace fs = std::filesystem;
namespace {

constexpr Flag flags[]{{"--json", "", "print JSON, an object a line"},
                       {"--replace", "", "put it in the place of what is published there and differs"},
                       {"--sha512", "HEX", "refuse the file if this is not its SHA-512"}};

void print(const std::string& file, const storage::Imported& imported, bool json) {
  for (const auto& warning : imported.warnings)
    fmt::print(stderr, "{}: {}\n", escaped(file, whole), escaped(warning, most_of_archive));
  if (imported.already_there) {
    fmt::print(stderr, "{} is published already as {}: nothing was changed\n", escaped(file, whole),
               escaped(imported.path, whole));
  }
  if (!json) {
    fmt::print("{}\n", escaped(imported.path, whole));
    return;
  }
  JsonObject object;
  object.add("file", file, whole);
  object.add("path", imported.path, whole);
  if (!imported.image.empty()) object.add("image", imported.image, whole);
  object.add("members", imported.members);
  object.add("bytes", imported.bytes);
  object.add("already_there", imported.already_there);
  object.add("verified", imported.verified);
  fmt::print("{}\n", object.text());
}

void print_retired(const storage::ImportResult& done, std::uint32_t keep) {
  for (const auto& retired : done.retired) {
    fmt::print(stderr, "retired {} to {}: import.keep is {}\n", escaped(retired.path, whole),
               escaped(retired.moved_to, whole), keep);
  }
  for (const auto& problem : done.problems) fmt::print(stderr, "{}\n", escaped(problem, most_of_ours));
}

// What FILE names, opened by whoever gave the command; not published for the reason where it cannot be.
struct Given {
  std::string name;  // as it was given
  fs::path path;
  std::optional<storage::File> file = {};
  std::vector<storage::KnownDigest> digests = {};
  std::string problem = {};
};

std::string not_published(const std::string& name, const std::string& reason) {
  return fmt::format("{} is not published: {}", escaped(name, whole), escaped(reason, most_of_archive));
}
std::string not_imported(const std::string& name, const std::string& reason) {
  return fmt::format("{} cannot be imported: {}", escaped(name, whole), escaped(reason, most_of_archive));
}

std::string folder_given(const fs::path& images) {
  return fmt::format(
      "it is a folder; give the vendor's bundle itself, or copy a folder of images to a place below {}",
      storage::utf8_of(images));
}

// A link on the command line is the administrator's own; one in drop/ could be anybody's, and is not
// followed.
void open_following(Given& given, const fs::path& images) {
  std::error_code error;
  if (auto real = fs::canonical(given.path, error); !error) given.path = std::move(real);
  if (fs::is_directory(given.path)) throw storage::Rejected(folder_given(images));
  given.file = storage::open_plain_file(given.path);
}

// Before root becomes the depot's owner: what root alone may read. But no link is followed, for it could be
// the owner's, who would have it published. What is reached by one is opened later, by the owner's rights.
Given open_first(const std::string& name) {
  Given given{name, storage::path_of(name)};
  try {
    given.file = storage::open_without_links(given.path);
    if (given.file) given.digests = storage::digests_beside(given.path);
  } catch (const storage::Rejected& e) {
    given.problem = not_published(name, e.what());
  } catch (const std::system_error& e) {
    given.problem = not_imported(name, e.what());
  }
  return given;
}

void open_later(Given& given, const fs::path& images) {
  open_following(given, images);
  given.digests = storage::digests_beside(given.path);
}

storage::ImportResult import_given(const storage::Depot& depot, const Given& given,
                                   const conf::Settings& settings, storage::ImportOrder order) {
  ProgressBar bar(given.name);
  order.progress = [&bar](std::uint64_t done, std::uint64_t total) { bar.show(done, total); };
  return storage::import_and_retire(depot, {given.path, *given.file, given.digests}, settings.import,
                                    settings.import.keep, order);
}

storage::ImportOrder order_of(const Arguments& arguments) {
  storage::ImportOrder order{.replace = arguments.has("--replace")};
  if (const auto text = arguments.value("--sha512")) {
    order.sha512 = storage::parse_digest(*text, storage::DigestKind::sha512);
    if (order.sha512.empty()) throw UsageError("--sha512 takes 128 hex digits");
    if (arguments.words().size() > 1) throw UsageError("--sha512 is about one FILE: import the others apart");
  }
  return order;
}

// What is wrong with it; nothing when it is published.
std::string publish(const storage::Depot& depot, Given& given, const conf::Settings& settings,
                    const storage::ImportOrder& order, bool json) try {
  if (!given.problem.empty()) return given.problem;
  if (!given.file) open_later(given, depot.images());
  const auto done = import_given(depot, given, settings, order);
  print(given.name, done.imported, json);
  print_retired(done, settings.import.keep);
  return "";
} catch (const storage::Rejected& e) {
  return not_published(given.name, e.what());
} catch (const std::system_error& e) {
  return not_imported(given.name, e.what());
}

bool becomes_another(const conf::Settings& settings) {
  const auto owner = owner_of(settings.depot);
  return own_account().is_root() && (!owner || !owner->is_root());
}

// What no look into it is needed for; empty where it may be a file.
std::string no_file(const Given& given, const fs::path& images) {
  if (given.file || !given.problem.empty()) return given.problem;
  std::error_code ignored;
  const auto type = fs::status(given.path, ignored).type();
  if (type == fs::file_type::directory) return not_published(given.name, folder_given(images));
  if (type != fs::file_type::not_found) return "";
  return not_imported(given.name, std::make_error_code(std::errc::no_such_file_or_directory).message());
}

int run(Arguments& arguments) {
  if (arguments.words().empty()) throw UsageError("FILE is missing");
  const auto order = order_of(arguments);
  const auto settings = load_settings_to_write(arguments).settings;
  const bool at_once = becomes_another(settings);
  std::vector<Given> all;
  for (const auto& file : arguments.words())
    all.push_back(at_once ? open_first(file) : Given{file, storage::path_of(file)});
  const auto problem_of = [&](const Given& given) { return no_file(given, settings.depot / "images"); };
  if (std::ranges::none_of(all, &std::string::empty, problem_of)) {  // nor is a depot made
    for (const auto& given : all) fmt::print(stderr, "apdepot: {}\n", problem_of(given));
    return 1;
  }
  const auto depot = open_depot(settings);
  storage::sweep_staging(storage::staging_areas(depot));  // what a killed import left takes gigabytes
  int status = 0;
  for (auto& given : all) {
    const auto problem = publish(depot, given, settings, order, arguments.has("--json"));
    given.file.reset();
    if (problem.empty()) continue;
    fmt::print(stderr, "apdepot: {}\n", problem);
    status = 1;
  }
  return status;
}

}  // namespace

const Command import_command{
    "import", "FILE...", "verifies and publishes bundles and images; prints each release's path", flags, run};

}  // namespace server
