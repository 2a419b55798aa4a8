#include "storage/import.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "server/commands/command.hpp"
#include "server/escape.hpp"
#include "server/json.hpp"
#include "server/terminal.hpp"
#include "storage/digest_file.hpp"
#include "storage/retire.hpp"

namespace server {
namespace fs = std::filesystem;
namespace {

constexpr Flag flags[]{{"--json", "", "print JSON, an object a line"},
                       {"--replace", "", "put it in the place of what is published there and differs"},
                       {"--sha512", "HEX", "refuse the file if this is not its SHA-512"}};

// A line on the terminal that is written over as the import goes on, and wiped out at its end.
class ProgressBar {
 public:
  explicit ProgressBar(const std::string& file) : file_(escaped(file, whole)), shown_(stderr_is_terminal()) {}
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() {
    if (drawn_) fmt::print(stderr, "\r\x1b[K");
  }
  void show(std::uint64_t done, std::uint64_t total) {
    using namespace std::chrono_literals;
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || total == 0 || (drawn_ && now - last_ < 100ms)) return;
    constexpr std::uint64_t width = 40;
    fmt::print(stderr, "\r[{:<{}}] {:>3} % {}\x1b[K", std::string(done * width / total, '#'), width,
               done * 100 / total, file_);
    std::fflush(stderr);
    drawn_ = true;
    last_ = now;
  }

 private:
  const std::string file_;
  const bool shown_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_;
};

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

void print_retired(const storage::Depot& depot, const std::string& published, std::uint32_t keep) {
  std::vector<std::string> problems;
  for (const auto& retired : storage::retire_oldest(depot, published, keep, problems)) {
    fmt::print(stderr, "retired {} to {}: import.keep is {}\n", escaped(retired.path, whole),
               escaped(retired.moved_to, whole), keep);
  }
  for (const auto& problem : problems) fmt::print(stderr, "{}\n", escaped(problem, most_of_ours));
}

// A link on the command line is the administrator's own; one in drop/ could be anybody's, and is not
// followed.
fs::path bundle_of(const storage::Depot& depot, const std::string& file) {
  std::error_code error;
  auto bundle = fs::canonical(file, error);
  if (error) return file;
  if (fs::is_directory(bundle))
    throw storage::Rejected(fmt::format(
        "it is a folder; give the vendor's bundle itself, or copy a folder of images to a place below {}",
        depot.images().string()));
  return bundle;
}

storage::Imported import_file(const storage::Depot& depot, const std::string& file,
                              const conf::Settings& settings, storage::ImportOrder order) {
  const auto bundle = bundle_of(depot, file);
  ProgressBar bar(file);
  order.progress = [&bar](std::uint64_t done, std::uint64_t total) { bar.show(done, total); };
  return storage::import_bundle(depot, bundle, settings.import, order);
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

int run(Arguments& arguments) {
  if (arguments.words().empty()) throw UsageError("FILE is missing");
  const auto order = order_of(arguments);
  const auto settings = load_settings(arguments).settings;
  const auto depot = open_depot(settings);
  int status = 0;
  for (const auto& file : arguments.words()) {
    try {
      const auto imported = import_file(depot, file, settings, order);
      print(file, imported, arguments.has("--json"));
      print_retired(depot, imported.path, settings.import.keep);
    } catch (const storage::Rejected& e) {
      fmt::print(stderr, "apdepot: {} is not published: {}\n", escaped(file, whole),
                 escaped(e.what(), most_of_archive));
      status = 1;
    } catch (const std::system_error& e) {
      fmt::print(stderr, "apdepot: {} cannot be imported: {}\n", escaped(file, whole),
                 escaped(e.what(), most_of_archive));
      status = 1;
    }
  }
  return status;
}

}  // namespace

const Command import_command{
    "import", "FILE...", "verifies and publishes bundles and images; prints each release's path", flags, run};

}  // namespace server
