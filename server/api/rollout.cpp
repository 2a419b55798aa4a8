#include "server/api/rollout.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "conf/families.hpp"
#include "server/text/escape.hpp"
#include "server/text/time.hpp"
#include "storage/images/version.hpp"

namespace server {
namespace {

namespace record = storage::record;
using enum RolloutStatus;

constexpr std::array<std::string_view, rollout_statuses> words{
    "asked_in_vain", "broke_off", "stalled",  "never_seen", "not_for_this_release", "downloading",
    "not_asked_yet", "fetched",   "reported", "controller", "shared_address"};
constexpr std::size_t most_tries = 50;  // that are looked at

std::optional<std::string> some(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

std::string path_of(const storage::Release& release) { return escaped_path(release.path.text()); }

// Of the release, whichever of its files.
bool is_of(const std::string& folder, const std::string& file) { return file.starts_with(folder + "/"); }

// Whether `text` names the folder, and not another whose name begins like it.
bool names(const std::string& text, const std::string& folder) {
  for (auto at = text.find(folder); at != text.npos; at = text.find(folder, at + 1)) {
    const auto end = at + folder.size();
    if (end == text.size() || std::string_view("/ ,;:.\"')").find(text[end]) != std::string_view::npos)
      return true;
  }
  return false;
}

bool belongs(const record::Miss& miss, const std::string& folder) {
  return names(miss.asked, folder) || names(miss.text, folder);
}

unsigned percent_of(std::uint64_t bytes, const std::optional<std::uint64_t>& size) {
  if (!size || *size == 0) return 0;
  return static_cast<unsigned>(
      std::min(100.0, static_cast<double>(bytes) * 100 / static_cast<double>(*size)));
}

std::string in_words(std::string text) {
  std::ranges::replace(text, '_', ' ');
  return text;
}

std::string times(std::size_t count) {
  return count == 1 ? "once" : count == 2 ? "twice" : fmt::format("{} times", count);
}

// Where and how it broke off, and what that hints at when it did so more than once.
std::string ending_of(const std::vector<record::Transfer>& transfers) {
  const auto& last = transfers.back();
  std::size_t broken = 0;
  bool same = true;
  for (auto each = transfers.rbegin(); each != transfers.rend() && each->outcome == "broke_off";
       ++each, ++broken)
    same &= each->bytes == last.bytes;
  auto text = fmt::format("{} broke off {} at {}: {}", name_of(last.file), times(broken),
                          last.size ? fmt::format("{} %", percent_of(last.bytes, last.size))
                                    : fmt::format("{} bytes", last.bytes),
                          in_words(last.cause));
  if (!last.detail.empty()) text += fmt::format(" ({})", last.detail);
  if (broken > 1)
    text += same ? "; always at the same byte: most likely its flash is full or damaged"
                 : "; at different bytes: most likely the way to it loses packets";
  return text;
}

bool is_fitting(const std::string& file, const std::vector<std::string>& families) {
  const auto name = name_of(file);
  return families.empty() ? storage::is_image_family(name)
                          : std::ranges::find(families, name) != families.end();
}

struct Judge {
  const storage::Release& release;
  const Device& device;
  const SinceImport& since;
  const std::vector<RunningRead>& running;
  const std::string folder = path_of(release);
  const std::vector<std::string> families =
      families_fitting(device.said ? some(device.said->image) : std::nullopt, some(device.model()));
  RolloutRow row{};

  bool not_for_it() {
    if (families.empty() ||
        std::ranges::any_of(families, [&](const auto& each) { return has_image(release, each); }))
      return false;
    row.evidence =
        fmt::format("no image of the release fits its model: it needs {}", fmt::join(families, " or "));
    return true;
  }
  bool downloads() {
    const auto found = std::ranges::find_if(running, [&](const RunningRead& each) {
      return each.client == device.address && is_of(folder, each.file);
    });
    if (device.address.empty() || found == running.end()) return false;
    row.percent = percent_of(found->bytes, found->size);
    row.method = found->protocol;
    row.status = found->stalled ? stalled : downloading;
    row.evidence = fmt::format("{}, {} bytes so far{}", name_of(found->file), found->bytes,
                               found->stalled ? "; nothing has moved for 10 seconds" : "");
    return true;
  }
  bool asked_for_nothing() {
    if (!since.miss || !belongs(*since.miss, folder)) return false;
    if (since.latest && *since.latest > since.miss->last_at) return false;
    row.method = since.miss->protocol;
    row.last_at = since.miss->last_at;
    row.evidence = fmt::format("{}: {}", since.miss->cause, since.miss->text);
    return true;
  }
  bool broke() {
    if (since.transfers.empty() || since.transfers.back().outcome != "broke_off") return false;
    const auto& last = since.transfers.back();
    row.percent = percent_of(last.bytes, last.size);
    row.method = last.protocol;
    row.evidence = ending_of(since.transfers);
    return true;
  }
  bool has_fetched() {
    const record::Holding* newest = nullptr;
    for (const auto& held : device.holdings)
      if (is_of(folder, held.file) && is_fitting(held.file, families) &&
          (!newest || held.last_at > newest->last_at))
        newest = &held;
    if (!newest) return false;
    for (const auto& each : since.transfers)
      if (each.file == newest->file) row.method = each.protocol;
    row.evidence = fmt::format("{} was read whole, {}", name_of(newest->file), utc_of(newest->last_at));
    return true;
  }
  bool is_reported() {
    if (!device.said) return false;
    const auto& said = *device.said;
    const bool runs = has_version(release, said.running);
    if (!runs && !has_version(release, said.backup)) return false;
    row.method = "controller";
    row.evidence = fmt::format("the controller says: its {} image is {}", runs ? "primary" : "backup",
                               runs ? said.running : said.backup);
    if (!said.predownload.empty() && said.predownload != "Complete" && said.predownload != "None")
      row.evidence += fmt::format(", predownload {}", said.predownload);
    return true;
  }

  RolloutRow verdict() {
    row.address = device.address, row.name = device.name(), row.model = device.model(),
    row.site = device.site();
    row.last_at = device.last_at;
    row.tries = since.transfers.size();
    for (const auto& each : families)
      if (row.image.empty() || (!has_image(release, row.image) && has_image(release, each))) row.image = each;
    row.status = first_that_fits();
    return std::move(row);
  }
  RolloutStatus of_controller(DeviceKind kind) {
    if (device.is_listed() && is_reported()) return reported;
    std::set<std::string> images;
    for (const auto& held : device.holdings)
      if (is_of(folder, held.file)) images.insert(held.file);
    if (kind == DeviceKind::shared_address) {
      row.evidence = fmt::format("several devices ask from this address; it has {} images of the release",
                                 images.size());
      return shared_address;
    }
    row.evidence = fmt::format(
        "it relays: it has {} images of the release; its access points get them from it: paste "
        "`show ap image`",
        images.size());
    return controller;
  }
  RolloutStatus first_that_fits() {
    const auto kind = kind_of(device);
    if (kind == DeviceKind::controller || kind == DeviceKind::shared_address) return of_controller(kind);
    if (not_for_it()) return not_for_this_release;
    if (downloads()) return row.status;
    if (asked_for_nothing()) return asked_in_vain;
    if (broke()) return broke_off;
    if (has_fetched()) return fetched;
    if (is_reported()) return reported;
    const auto imported = import_time(release);
    const bool asked = device.last_at && *device.last_at >= imported;
    if (asked || !device.is_expected()) {
      row.evidence = asked ? "it asked for other things since the import"
                           : fmt::format("it asked for nothing since the import; it was last here {}",
                                         utc_of(device.last_at.value_or(0)));
      return not_asked_yet;
    }
    row.evidence = fmt::format("it is expected, and has asked for nothing since the import{}",
                               imported > 0 ? " at " + utc_of(imported) : "");
    return never_seen;
  }
};

}  // namespace

std::string_view word(RolloutStatus status) { return words.at(static_cast<std::size_t>(status)); }

bool has_version(const storage::Release& release, const std::string& text) {
  constexpr std::size_t fields_of_device = 4;
  const auto version = storage::Version::parse(text);
  if (!version || !release.version) return false;
  bool says = false;
  for (const auto& spelling : release.spellings) {
    const auto own = storage::Version::parse(spelling);
    if (own == version) return true;
    says |= own && own->fields.size() == fields_of_device;
  }
  return !says && storage::release_version(*version).fields == release.version->fields;
}

bool has_image(const storage::Release& release, const std::string& name) {
  return std::ranges::find(release.images, name, &storage::Release::Image::name) != release.images.end();
}

std::vector<std::string> families_fitting(const std::optional<std::string>& image,
                                          const std::optional<std::string>& model) {
  if (image) return {*image};
  std::vector<std::string> names;
  if (model)
    for (auto& family : conf::families_for(*model)) names.push_back(std::move(family.name));
  return names;
}

std::int64_t import_time(const storage::Release& release) {
  return release.imported_at ? time_meant(*release.imported_at, 0).value_or(0) : 0;
}

bool counts(const Device& device, const SinceImport& since) {
  if (device.is_expected()) return true;
  if (device.said && device.said->kind == word(DeviceKind::access_point)) return true;
  const auto of_device = [](const auto& each) { return storage::is_image_family(name_of(each.file)); };
  if (std::ranges::any_of(device.holdings, of_device) || std::ranges::any_of(since.transfers, of_device))
    return true;
  return kind_of(device) != DeviceKind::unknown ||
         (since.miss && storage::is_image_family(name_of(since.miss->asked)));
}

RolloutRow judge(const storage::Release& release, const Device& device, const SinceImport& since,
                 const std::vector<RunningRead>& running) {
  return Judge{release, device, since, running}.verdict();
}

void add_heard(std::vector<RolloutRow>& rows, const HeardByDevice& heard) {
  using enum RolloutStatus;
  for (auto& row : rows) {
    if (row.status == fetched || row.status == reported || row.status == downloading) continue;
    const auto said = heard.find(row.address);
    if (said == heard.end() || said->second.at < row.last_at.value_or(0)) continue;
    row.evidence += fmt::format("{}its log says: {}", row.evidence.empty() ? "" : "; ", said->second.text);
  }
}

Rollout rollout_of(const storage::Release& release, std::vector<RolloutRow> rows, const std::string& site) {
  Rollout rollout;
  rollout.release = path_of(release);
  if (!site.empty()) std::erase_if(rows, [&](const RolloutRow& row) { return row.site != site; });
  std::ranges::stable_sort(rows, {},
                           [](const RolloutRow& row) { return std::tie(row.status, row.address, row.name); });
  for (const auto& row : rows) {
    ++rollout.counts.at(static_cast<std::size_t>(row.status));
    if (row.status == fetched || row.status == reported) ++rollout.have;
    if (row.status != controller && row.status != shared_address) ++rollout.total;
  }
  rollout.rows = std::move(rows);
  return rollout;
}

std::vector<RolloutRow> read_rollout(storage::HistoryQueries& history, const storage::Release& release,
                                     const std::vector<Device>& fleet,
                                     const std::vector<RunningRead>& running) {
  const auto imported = import_time(release);
  const auto folder = path_of(release);
  std::vector<RolloutRow> rows;
  std::set<std::string> known;
  for (const auto& device : fleet) {
    known.insert(device.address);
    SinceImport since;
    if (!device.address.empty() && device.last_at && *device.last_at >= imported) {
      storage::HistoryFilter filter{.client = device.address, .since = imported, .limit = 1};
      if (const auto newest = history.transfers(filter); !newest.empty()) since.latest = newest.back().ended;
      if (auto misses = history.misses(filter); !misses.empty()) since.miss = std::move(misses.back());
      filter.folder = folder, filter.limit = most_tries;
      if (since.latest) since.transfers = history.transfers(filter);
      std::erase_if(since.transfers, [](const record::Transfer& each) { return each.upload; });
    }
    if (counts(device, since)) rows.push_back(judge(release, device, since, running));
  }
  // Who asks for the first time is not in the history before that ends.
  for (const auto& each : running) {
    if (!is_of(folder, each.file) || !storage::is_image_family(name_of(each.file))) continue;
    if (!known.insert(each.client).second) continue;
    Device device;
    device.address = each.client;
    rows.push_back(judge(release, device, {}, running));
  }
  return rows;
}

}  // namespace server
