#include "server/events/rare_warnings.hpp"

#include <fmt/format.h>

#include <utility>

namespace server {

using namespace std::chrono_literals;

std::optional<std::string> RareWarnings::tell(Warning kind, const std::string& text, Clock::time_point now) {
  constexpr auto tell_again = 10s;
  auto& [told, untold] = kinds_.at(static_cast<std::size_t>(kind));
  if (told && now - *told < tell_again) {
    ++untold;
    return std::nullopt;
  }
  told = now;
  const auto times = std::exchange(untold, 0);
  return times == 0 ? text : fmt::format("{} ({} times more)", text, times);
}

}  // namespace server
