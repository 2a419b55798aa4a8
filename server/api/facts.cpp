#include "server/api/facts.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <ctime>
#include <set>
#include <utility>

#include "conf/settings.hpp"
#include "server/api/explanation.hpp"
#include "server/api/history.hpp"
#include "server/api/recent.hpp"
#include "server/api/rollout_api.hpp"
#include "server/files/library.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/escape.hpp"
#include "server/text/miss_text.hpp"
#include "storage/files/root.hpp"

namespace server {
namespace {

constexpr std::size_t most_names = 20;  // that are looked up again

// Of this host's day, in milliseconds since 1970.
std::int64_t midnight() {
  const auto now = std::time(nullptr);
  auto parts = fmt::localtime(now);
  parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
  parts.tm_isdst = -1;  // the clock may have changed since
  return std::int64_t{1000} * std::mktime(&parts);
}

std::uint64_t size_of(const storage::Release& release) {
  std::uint64_t size = 0;
  for (const auto& image : release.images) size += image.size;
  return size;
}

struct Reading {
  Library& library;
  std::shared_ptr<const conf::Settings> settings;
  std::shared_ptr<const Said::Rows> fresh;
  std::vector<AskedInVain> misses;
  std::shared_ptr<const RunningReads::Reads> reads = {};

  Facts read() {
    Facts facts;
    const auto images = storage::Root::open(library.depot.images());
    if (images)
      if (const auto space = images->space(storage::Path())) facts.room = {space->available, space->total};
    const auto releases = releases_of(library);
    read_releases(releases, facts);
    try {
      read_history(releases, facts);
    } catch (const storage::DatabaseError&) {  // the history's own answers say why
    }
    look_up(facts);
    return facts;
  }

  static void read_releases(const std::vector<storage::Release>& releases, Facts& facts) {
    const storage::Release* oldest = nullptr;
    for (const auto& release : releases) {
      facts.largest = std::max(facts.largest, size_of(release));
      if (release.verified && !*release.verified) ++facts.unverified;
      if (release.current || !release.imported_at) continue;
      if (!oldest || *release.imported_at < *oldest->imported_at) oldest = &release;
    }
    if (oldest && releases.size() > 1) facts.oldest = escaped_path(oldest->path.text());
  }

  void read_history(const std::vector<storage::Release>& releases, Facts& facts) const {
    const auto file = library.depot.history();
    auto history = open_history(file);
    auto outcomes = history.outcomes_since(midnight());
    std::error_code unknown;
    if (std::filesystem::exists(file, unknown))
      facts.today = Facts::Today{outcomes["whole"], outcomes["partly"], outcomes["broke_off"],
                                 history.misses_since(midnight())};
    const auto fleet = read_fleet(history, *fresh, settings->expected);
    for (const auto& device : fleet) {
      ++facts.devices[kind_of(device)];
      if (device.is_expected() && !device.last_at) ++facts.never_seen;
    }
    const auto wanted = current_release(releases);
    if (!wanted) return;
    const auto rollout = rollout_of(*wanted, read_rollout(history, *wanted, fleet, *reads), {});
    facts.goal = Facts::Goal{
        rollout.release,      escaped(wanted->version ? wanted->version->joined('.') : wanted->path.name()),
        import_time(*wanted), rollout.have,
        rollout.total,        rollout.counts};
  }

  void look_up(Facts& facts) {
    std::set<std::string> looked_up, served;
    for (auto& each : misses) {
      if (looked_up.size() < most_names && looked_up.insert(each.name).second &&
          explain({*settings, library.catalogue, each.name, each.protocol}))
        served.insert(each.name);
      if (!served.contains(each.name)) facts.misses.push_back(std::move(each.miss));
    }
  }
};

bool got(const Recent& recent, const std::string& client, const std::string& name,
         Recent::Clock::time_point after) {
  return std::ranges::any_of(recent.ended(), [&](const auto& ended) {
    return ended.time > after && !ended.what.write && ended.what.client == client &&
           outcome_of(ended.what) == "whole" && name_of(ended.what.name) == name;
  });
}

// Whether that client asked here for a file of that name lately, in vain.
bool was_missed(const Recent& recent, const std::string& client, const std::string& name,
                Recent::Clock::time_point now) {
  return std::ranges::any_of(recent.misses(), [&](const auto& miss) {
    return now - miss.time <= lately && miss.what.client == client && name_of(miss.what.asked) == name;
  });
}

}  // namespace

std::vector<AskedInVain> open_misses(const Recent& recent, Recent::Clock::time_point now) {
  std::vector<AskedInVain> open;
  const auto& all = recent.misses();
  for (auto missed = all.rbegin(); missed != all.rend() && now - missed->time <= lately; ++missed) {
    const auto& what = missed->what;
    if (got(recent, what.client, name_of(what.asked), missed->time)) continue;
    open.push_back(
        {{escaped(what.client), std::string(storage::cause_name(what.miss.cause)), escaped(what.asked),
          bounded_line(fix_of(what.miss, what.protocol)), bounded_line(text_of(what.miss, what.protocol))},
         what.protocol,
         what.asked});
  }
  return open;
}

std::vector<Situation::Heard> open_complaints(const Recent& recent, Recent::Clock::time_point now) {
  std::vector<Situation::Heard> open;
  std::set<std::string> clients;
  const auto& all = recent.heard();
  for (auto heard = all.rbegin(); heard != all.rend() && now - heard->time <= lately; ++heard) {
    const auto& what = heard->what;
    if (!clients.insert(what.client).second) continue;
    const auto name = name_of(what.said.url);
    if (got(recent, what.client, name, heard->time) || was_missed(recent, what.client, name, now)) continue;
    open.push_back({escaped(what.host.empty() ? what.client : what.host), bounded_line(what.finding),
                    bounded_line(what.fix)});
  }
  return open;
}

std::vector<Situation::Broken> open_ends(const Recent& recent, Recent::Clock::time_point now) {
  std::vector<Situation::Broken> open;
  const auto& all = recent.ended();
  for (auto ended = all.rbegin(); ended != all.rend() && now - ended->time <= lately; ++ended) {
    const auto& what = ended->what;
    if (outcome_of(what) != "broke_off" || !is_trouble(what)) continue;
    if (got(recent, what.client, name_of(what.name), ended->time)) continue;
    open.push_back({escaped(what.client), escaped(name_of(what.name)), what.bytes});
  }
  return open;
}

std::shared_ptr<const Facts> LatestFacts::now() {
  if (reading_.expired() && (!begun_ || Clock::now() - *begun_ >= kept)) read();
  return facts_;
}

void LatestFacts::read() {
  const auto reading = std::make_shared<Reading>(Reading{sources_.library, sources_.settings.now(),
                                                         said_.fresh(Said::Clock::now()),
                                                         open_misses(sources_.recent, Recent::Clock::now())});
  reading_ = reading;
  reads_.collect([this, reading](auto reads) {
    reading->reads = std::move(reads);
    sources_.lanes.asking.run([reading] { return reading->read(); },
                              [this, reading](std::optional<Facts> facts) {
                                if (facts) facts_ = std::make_shared<const Facts>(std::move(*facts));
                              });
  });
  begun_ = Clock::now();
}

}  // namespace server
