#include "storage/releases/recorded_digests.hpp"

#include <charconv>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "storage/depot/depot.hpp"
#include "storage/files/root.hpp"
#include "storage/releases/manifest.hpp"
#include "storage/releases/published.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

using namespace std::chrono;

// The import's note of the time and the file system's clock need not agree to the second.
constexpr std::int64_t slack = 60;

// Of "2026-11-20T11:10:23Z"; 0, before any file, for what was not written so.
std::int64_t seconds_of(std::string_view text) {
  const auto number = [text](std::size_t at, std::size_t size) {
    int value = 0;
    if (text.size() == 20) std::from_chars(text.data() + at, text.data() + at + size, value);
    return value;
  };
  const year_month_day date(year(number(0, 4)), month(static_cast<unsigned>(number(5, 2))),
                            day(static_cast<unsigned>(number(8, 2))));
  if (!date.ok()) return 0;
  const auto time = hours(number(11, 2)) + minutes(number(14, 2)) + seconds(number(17, 2));
  return (sys_days(date).time_since_epoch() + time).count();
}

// `current`, or another link, leads to a release beside it.
std::string release_at(const Depot& depot, const Path& folder) {
  const auto images = Root::open(depot.images());
  const auto leads_to = images ? images->link_target(folder) : std::unexpected(images.error());
  if (!leads_to || !Path::is_component(*leads_to)) return folder.text();
  return (folder.parent() / *leads_to).text();
}

}  // namespace

std::optional<std::string> RecordedDigests::sha256_of(const Path& path, const Attributes& file) {
  if (path.components().size() < 2) return {};
  const auto release = release_at(depot_, path.parent());
  const std::lock_guard lock(mutex_);
  const auto* const found = known(release);
  if (!found) return {};
  const auto member = found->members.find(std::string(path.name()));
  const bool same = member != found->members.end() && member->second.size == file.size &&
                    file.modified <= found->imported + slack;
  return same ? std::optional(member->second.sha256) : std::nullopt;
}

// Nothing where there is no manifest, or one that cannot be used.
const RecordedDigests::Known* RecordedDigests::known(const std::string& release) {
  const auto file = manifest_of(depot_, release);
  std::error_code error;
  const auto written = fs::last_write_time(file, error).time_since_epoch().count();
  const auto size = error ? 0 : fs::file_size(file, error);
  const auto place = known_.find(release);
  if (error) {
    if (place != known_.end()) known_.erase(place);
    return nullptr;
  }
  if (place != known_.end() && place->second.written == written && place->second.size == size)
    return &place->second;
  Known read{written, size, 0, {}};
  try {
    if (const auto manifest = load_manifest(file)) {
      read.imported = seconds_of(manifest->imported_at);
      for (const auto& member : manifest->members) read.members[member.name] = {member.size, member.sha256};
    }
  } catch (const std::runtime_error&) {
    read.members.clear();  // damaged: `verify` says so
  }
  if (place == known_.end() && known_.size() >= most_known) known_.clear();
  auto& kept = known_[release];
  kept = std::move(read);
  return &kept;
}

}  // namespace storage
