#include "server/doctor/releases.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <system_error>

#include "server/doctor/check.hpp"
#include "server/text/escape.hpp"
#include "server/text/time.hpp"
#include "storage/files/file.hpp"
#include "storage/files/root.hpp"
#include "storage/releases/published.hpp"
#include "storage/releases/releases.hpp"
#include "storage/releases/verify.hpp"

namespace server::doctor {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Doubt = ReleasesReading::Doubt;

constexpr std::size_t most_told = 5;
// The import's note of the time and the file system's clock need not agree to the second.
constexpr auto slack = 60s;

// In RFC 3339, as an import writes it down: two such texts compare as their times do.
std::string written_at(const storage::Attributes& attributes) {
  return utc(std::chrono::system_clock::time_point(std::chrono::seconds(attributes.modified)) - slack);
}

// By size and time alone.
void compare(const storage::Root& images, const storage::Path& path, const storage::Manifest& manifest,
             ReleasesReading& reading) {
  for (const auto& member : manifest.members) {
    const auto name = escaped(member.name, whole);
    if (!storage::Path::is_component(member.name)) continue;
    const auto found = images.attributes(path / member.name, storage::Links::keep);
    if (!found) {
      reading.differ.push_back(
          {path.text(), manifest.bundle, fmt::format("{}: {}", name, found.error().message())});
      return;
    }
    if (found->size != member.size) {
      reading.differ.push_back(
          {path.text(), manifest.bundle,
           fmt::format("{} has {} bytes, and had {} when it was imported", name, found->size, member.size)});
      return;
    }
    if (written_at(*found) > manifest.imported_at) {
      reading.later.push_back({path.text(), manifest.bundle, name});
      return;
    }
  }
}

// Reads every byte.
void verify(const storage::Depot& depot, const storage::Path& path, const storage::Manifest& manifest,
            ReleasesReading& reading) {
  const auto found = storage::verify_release(depot, path);
  if (!found.differences.empty())
    reading.differ.push_back({path.text(), manifest.bundle, found.differences.front()});
}

Result run(const Sight& sight) {
  const auto& depot = *sight.depot;
  depot.expect_readable_records();
  const storage::Root images(depot.images());
  ReleasesReading reading;
  reading.digests = !sight.quick;
  reading.count = storage::all_releases(storage::Catalogue(images)).size();
  for (const auto& path : storage::imported_releases(depot)) {
    const auto manifest = storage::usable_manifest(storage::manifest_of(depot, path.text()), reading.damaged);
    if (!manifest) continue;
    if (!manifest->verified) reading.unverified.push_back({path.text(), manifest->bundle, {}});
    if (sight.quick) {
      compare(images, path, *manifest, reading);
    } else {
      verify(depot, path, *manifest, reading);
    }
  }
  return judge_releases(reading);
}

std::string more_text(std::size_t all) {
  return all > most_told ? fmt::format(", and {} more", all - most_told) : "";
}

template <class Add>
void tell(const std::vector<Doubt>& doubts, Add add) {
  for (std::size_t i = 0; i < doubts.size() && i < most_told; ++i)
    add(doubts[i], i + 1 == most_told ? more_text(doubts.size()) : "");
}

}  // namespace

Result judge_releases(const ReleasesReading& reading) {
  Result result;
  for (const auto& sentence : reading.damaged) result.fails(escaped(sentence, most_of_ours));
  tell(reading.differ, [&](const Doubt& doubt, const std::string& more) {
    result.fails(fmt::format("{} is not what was imported: {}{}", escaped(doubt.path, whole),
                             escaped(doubt.what, most_of_ours), more),
                 "apdepot import --replace " + escaped(doubt.bundle, whole));
  });
  tell(reading.later, [&](const Doubt& doubt, const std::string& more) {
    result.look(fmt::format("{}: {} was written to after the import, and has its size{}",
                            escaped(doubt.path, whole), escaped(doubt.what, most_of_ours), more),
                "apdepot verify " + escaped(doubt.path, whole));
  });
  tell(reading.unverified, [&](const Doubt& doubt, const std::string& more) {
    result.look(fmt::format("nothing confirms that {} is what the vendor published{}",
                            escaped(doubt.path, whole), more),
                fmt::format("put the vendor's {0}.sha512 into drop/", escaped(doubt.bundle, whole)));
  });
  if (reading.count == 0)
    result.look("there is no release: devices get nothing", "apdepot import BUNDLE.zip");
  return std::move(result).or_ok(
      fmt::format("{} {}, {}", reading.count, reading.count == 1 ? "release" : "releases",
                  reading.digests ? "as imported, by every byte" : "as imported, by size and time"));
}

const Check releases_check{"releases", "releases", nullptr, run, true};

}  // namespace server::doctor
