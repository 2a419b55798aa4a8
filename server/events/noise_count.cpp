#include "server/events/noise_count.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "server/events/source.hpp"

namespace server {
namespace {

constexpr std::size_t most_addresses = 2000;  // those beyond count as one; one turn sums them up
constexpr std::size_t most_named = 50;        // in the sum at the end, of each kind
constexpr auto others = "other addresses";
constexpr std::size_t longest_kept = 300;  // bytes of a cause and a name

// Different names, or limits. Behind one address may be a site of a thousand access points.
constexpr std::uint64_t most_told = 100;
// Of all addresses together: a thousand access points with a wrong path are told of, each with two tries.
constexpr std::uint64_t most_told_of_all = 2000;
// Once three quarters of these are told, nobody has more than this.
constexpr std::uint64_t most_told_late = 2;

}  // namespace

bool NoiseCount::may_tell(const std::string& address, std::uint64_t number, Kind kind,
                          std::string_view what) {
  const auto source = log_source(address);
  const bool known = heard_.size() < most_addresses || heard_.contains(source);
  auto& heard = heard_[known ? source : others];
  heard.number = number;
  const auto place = static_cast<std::size_t>(kind);
  auto& told = heard.told[place];
  auto& all = told_[place];
  const std::string key(what.substr(0, longest_kept));
  if (const auto again = told.find(key); again != told.end()) {
    ++again->second;
  } else if (told.size() < (all < most_told_of_all / 4 * 3 ? most_told : most_told_late) &&
             all < most_told_of_all) {
    told.emplace(key, 0);
    ++all;
    return true;
  }
  ++heard.untold[place];
  return false;
}

event::TftpNoise NoiseCount::sum(const std::string& address, const Heard& heard, std::size_t place,
                                 std::chrono::seconds period) {
  event::TftpNoise sum{heard.number, address, static_cast<Kind>(place), heard.untold[place], period};
  for (const auto& [what, again] : heard.told[place]) {
    if (again > 0) sum.repeated.push_back({what, again});
  }
  std::ranges::stable_sort(sum.repeated, std::greater{}, &event::Repeated::count);
  return sum;
}

std::vector<event::TftpNoise> NoiseCount::sum_up(std::chrono::seconds period) {
  std::vector<event::TftpNoise> all;
  const auto heard = std::exchange(heard_, {});
  told_ = {};
  for (std::size_t place = 0; place < event::noise_kinds; ++place) {
    const auto kind = static_cast<Kind>(place);
    std::vector<event::TftpNoise> sums;
    event::TftpNoise rest{0, others, kind, 0, period};
    for (const auto& [address, what] : heard) {
      if (what.untold[place] > 0) sums.push_back(sum(address, what, place, period));
    }
    std::ranges::stable_sort(sums, std::greater{}, &event::TftpNoise::count);
    for (std::size_t i = most_named; i < sums.size(); ++i) {
      rest.number = std::max(rest.number, sums[i].number);
      rest.count += sums[i].count;
    }
    sums.resize(std::min(sums.size(), most_named));
    if (rest.count > 0) sums.push_back(rest);
    all.insert(all.end(), sums.begin(), sums.end());
  }
  return all;
}

}  // namespace server
