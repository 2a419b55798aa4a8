#include "server/doctor/drop.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "conf/settings.hpp"
#include "server/doctor/check.hpp"
#include "server/text/escape.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/root.hpp"
#include "storage/import/digest_file.hpp"
#include "storage/import/dropped_file.hpp"

namespace server::doctor {
namespace {

using namespace std::chrono_literals;

constexpr auto too_long = 10min;
constexpr std::size_t most_told = 5;
constexpr std::size_t most_entries = 10'000;
constexpr std::string_view reason_ending = ".reason.txt";

// Of a folder of the depot: nothing where it cannot be read.
std::vector<storage::Entry> entries_of(const std::filesystem::path& folder) {
  std::vector<storage::Entry> entries;
  const auto root = storage::Root::open(folder);
  if (!root) return entries;
  auto directory = root->open_directory(storage::Path());
  while (directory && entries.size() < most_entries) {
    auto some = directory->read(1000);
    if (!some || some->empty()) break;
    for (auto& entry : *some) entries.push_back(std::move(entry));
  }
  std::ranges::sort(entries, {}, &storage::Entry::name);
  return entries;
}

// Moved or copied there, a file may keep an old time of writing; that of the last change is the system's.
std::chrono::seconds still_for(const storage::Entry& entry) {
  const std::chrono::nanoseconds changed(entry.attributes.version.changed);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now - changed);
}

Result run(const Sight& sight) {
  const auto& depot = *sight.depot;
  DropReading reading;
  reading.depot = storage::utf8_of(depot.directory());
  reading.watched = sight.settings->import.watch;
  reading.running = sight.server.server.has_value();
  for (const auto& entry : entries_of(depot.drop())) {
    if (entry.name.starts_with('.') || storage::is_digest_file(entry.name)) continue;
    reading.waiting.push_back({entry.name, entry.attributes.kind, still_for(entry)});
  }
  for (const auto& entry : entries_of(depot.rejected())) {
    if (storage::is_reason(entry.name)) continue;
    if (++reading.rejected_count <= most_told)
      reading.rejected.push_back({entry.name, storage::reason_of_rejected(depot, entry.name)});
  }
  return judge_drop(reading);
}

// A name as a part of a command for a shell; `instead` of one that a shell would not take as it is.
std::string for_shell(const std::string& name, const char* instead = "FILE") {
  const bool plain = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-/+").find(c) != std::string_view::npos;
  });
  return plain ? name : instead;
}

}  // namespace

Result judge_drop(const DropReading& reading) {
  Result result;
  std::size_t told = 0;
  const auto place = for_shell(reading.depot, "DEPOT") + "/drop/";
  for (const auto& each : reading.waiting) {
    const bool is_file = each.kind == storage::Kind::file;
    if (is_file && each.still < too_long) continue;
    if (++told > most_told) continue;
    const auto name = escaped(each.name);
    const auto path = place + for_shell(each.name);
    if (!is_file) {
      const bool folder = each.kind == storage::Kind::directory;
      result.look(fmt::format("{} in drop/ is not a file: it is never imported", name),
                  folder ? fmt::format("mv {}/* {}", path, place) : "rm " + path);
      continue;
    }
    const auto* why = !reading.watched ? "import.watch is false"
                      : !reading.running
                          ? "no server runs that imports it"
                          : "its writer has it open, or its name is that of an unfinished copy, "
                            "or the depot failed: the log says so";
    result.look(fmt::format("{} waits in drop/ for {} min: {}", name,
                            std::chrono::duration_cast<std::chrono::minutes>(each.still).count(), why),
                "apdepot import " + path);
  }
  if (told > most_told) result.look(fmt::format("{} more wait in drop/", told - most_told), "ls -l " + place);
  for (const auto& each : reading.rejected)
    result.look(fmt::format("{} was rejected{}", escaped(each.name),
                            each.reason.empty() ? "" : ": " + escaped(each.reason, most_of_archive)),
                fmt::format("once you have seen to it: rm {0}/rejected/{1} {0}/rejected/{1}{2}",
                            for_shell(reading.depot, "DEPOT"), for_shell(each.name), reason_ending));
  if (reading.rejected_count > reading.rejected.size())
    result.look(fmt::format("{} more were rejected", reading.rejected_count - reading.rejected.size()),
                fmt::format("ls -l {}/rejected/", for_shell(reading.depot, "DEPOT")));
  return std::move(result).or_ok(reading.waiting.empty() ? "empty, and so is rejected/"
                                                         : "what lies there has not waited for long");
}

const Check drop_check{"drop-folder", "drop folder", nullptr, run, true};

}  // namespace server::doctor
