#include "server/tftp/noisy_clients.hpp"

#include "server/events/events.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr auto period = 10s;

}  // namespace

bool NoisyClients::may_tell(const std::string& address, std::uint64_t number, Kind kind,
                            std::string_view what) {
  if (count_.remembered() == 0) sum_up_later();
  return count_.may_tell(address, number, kind, what);
}

void NoisyClients::sum_up_later() {
  timer_.expires_after(period);
  timer_.async_wait([this](error_code error) {
    if (error) return;
    for (const auto& noise : count_.sum_up(period)) events_.emit(noise);
  });
}

}  // namespace server
