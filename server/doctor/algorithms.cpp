#include "server/doctor/algorithms.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ranges>
#include <set>

#include "conf/settings.hpp"
#include "server/doctor/check.hpp"
#include "server/doctor/kept.hpp"
#include "server/text/login_text.hpp"

namespace server::doctor {
namespace {

constexpr std::size_t most_told = 5;
constexpr std::chrono::days period{7};

Result run(const Sight& sight) {
  if (sight.settings->history.days == 0) return not_seen("the history is switched off: history.days is 0");
  auto kept = open_history(*sight.depot);
  if (!kept) return all_well("no device has logged in yet");
  storage::HistoryFilter filter;
  filter.since = milliseconds_ago(period);
  filter.limit = most_rows;
  std::vector<RefusedForAlgorithms> refused;
  for (const auto& login : kept->logins(filter)) {
    const bool legacy = login.outcome == needs_legacy;
    if (legacy || login.outcome == no_algorithm) refused.push_back({login.client, login.method, legacy});
  }
  return judge_algorithms(refused, sight.settings->ssh.compatibility);
}

}  // namespace

Result judge_algorithms(const std::vector<RefusedForAlgorithms>& refused, conf::Compatibility compatibility) {
  Result result;
  std::set<std::string> told;
  std::size_t more = 0;
  for (const auto& each : refused | std::views::reverse) {
    if (each.needs_legacy && compatibility == conf::Compatibility::legacy) continue;
    if (!told.insert(each.client).second) continue;
    if (told.size() > most_told) {
      ++more;
      continue;
    }
    const auto colon = std::min(each.offer.find(": "), each.offer.size());
    result.look(fmt::format("{} was refused within {} days: no {} in common, it offers{}", each.client,
                            period.count(), each.offer.substr(0, colon),
                            each.offer.substr(std::min(colon + 1, each.offer.size()))),
                each.needs_legacy ? "ssh.compatibility: legacy"
                                  : "ssh.kex, ssh.ciphers, ssh.macs: [...] with one of these");
  }
  if (more > 0) result.look(fmt::format("{} more devices were refused so", more), "apdepot history --logins");
  return std::move(result).or_ok("no device was refused for its algorithms of SSH");
}

const Check algorithms_check{"algorithms", "algorithms", nullptr, run, true};

}  // namespace server::doctor
