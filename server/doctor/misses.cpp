#include "server/doctor/misses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "server/doctor/check.hpp"
#include "server/text/json_reader.hpp"

namespace server::doctor {
namespace {

constexpr std::size_t most_told = 5;

Result run(const Sight& sight) {
  if (!sight.server.server) return not_seen("no server answers that could tell who asked in vain");
  std::vector<RecentMiss> open;
  for (const auto& miss : sight.server.server->misses)
    if (!sight.is_served(miss)) open.push_back(miss);
  return judge_misses(open);
}

}  // namespace

std::vector<RecentMiss> recent_misses(const std::string& text) {
  std::vector<RecentMiss> misses;
  const auto recent = read_json(text, "the server's answer");
  if (!recent.IsMap() || !recent["misses"]) return misses;
  for (const auto& each : recent["misses"]) {
    const auto text_of = [&each](const char* key) { return text_said(each, key); };
    misses.push_back({text_of("at"), text_of("client"), text_of("protocol"), text_of("asked"),
                      text_of("cause"), text_of("text"), text_of("fix")});
  }
  return misses;
}

Result judge_misses(const std::vector<RecentMiss>& open) {
  Result result;
  std::set<std::string> told;
  for (const auto& miss : open) {
    if (!told.insert(miss.asked).second || told.size() > most_told) continue;
    const auto askers = std::ranges::count(open, miss.asked, &RecentMiss::asked);
    result.look(fmt::format("{} {}: {}{}", miss.client, miss.cause, miss.text,
                            askers > 1 ? fmt::format(" ({} times)", askers) : ""),
                miss.text.find(miss.fix) == miss.text.npos ? miss.fix : "");
  }
  if (told.size() > most_told)
    result.look(fmt::format("{} more names were asked for in vain", told.size() - most_told),
                "apdepot status --json");
  return std::move(result).or_ok("nobody asked in vain for what is still missing");
}

const Check misses_check{"misses", "misses", nullptr, run, true};

}  // namespace server::doctor
