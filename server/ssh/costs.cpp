#include "server/ssh/costs.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr auto high = 5ms;  // 4 KiB of data take a twentieth of a millisecond
constexpr auto remembered_for = 10s;
constexpr std::size_t most_remembered = 4096;

}  // namespace

void SshCosts::took(const net::ip::address& source, Clock::duration time, Clock::time_point now) {
  if (time <= high) return;
  if (high_until_.size() >= most_remembered) {
    std::erase_if(high_until_, [now](const auto& each) { return each.second <= now; });
    // Who comes now costs the loop one long turn each.
    if (high_until_.size() >= most_remembered) high_until_.erase(high_until_.begin());
  }
  high_until_[source] = now + remembered_for;
}

bool SshCosts::are_high(const net::ip::address& source, Clock::time_point now) const {
  const auto place = high_until_.find(source);
  return place != high_until_.end() && now < place->second;
}

}  // namespace server
