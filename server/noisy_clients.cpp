#include "server/noisy_clients.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr auto period = 10s;
constexpr std::size_t most_addresses = 10'000;  // forged ones cost nothing

// A limit is one fact however often it bites; each miss may be another name.
constexpr std::uint64_t most_told(event::Noise kind) { return kind == event::Noise::limited ? 1 : 20; }

}  // namespace

bool NoisyClients::may_tell(const std::string& address, std::uint64_t number, Kind kind) {
  if (heard_.empty()) sum_up_later();
  auto& heard = heard_[heard_.size() < most_addresses ? address : "other addresses"];
  heard.number = number;
  const auto place = static_cast<std::size_t>(kind);
  auto& told = heard.told[place];
  if (told < most_told(kind)) return ++told;
  ++heard.untold[place];
  return false;
}

void NoisyClients::sum_up_later() {
  timer_.expires_after(period);
  timer_.async_wait([this](error_code error) {
    if (!error) sum_up();
  });
}

void NoisyClients::sum_up() {
  const auto heard = std::exchange(heard_, {});
  for (const auto& [address, what] : heard) {
    for (std::size_t kind = 0; kind < what.untold.size(); ++kind) {
      if (what.untold[kind] == 0) continue;
      events_.emit(
          event::TftpNoise{what.number, address, static_cast<Kind>(kind), what.untold[kind], period});
    }
  }
}

}  // namespace server
