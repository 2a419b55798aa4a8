#include "server/events/rare_warnings.hpp"

#include <fmt/format.h>

#include <utility>

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr auto tell_again = 10s;
constexpr std::size_t most_kinds = 100;  // there are some dozens; those beyond are one kind together

}  // namespace

std::optional<std::string> RareWarnings::tell(std::string_view kind, const std::string& text,
                                              Clock::time_point now) {
  auto place = kinds_.find(kind);
  if (place == kinds_.end() && kinds_.size() + 1 >= most_kinds) place = kinds_.find(kind = "");
  const bool first = place == kinds_.end();
  if (first) place = kinds_.emplace(kind, Kind{}).first;
  auto& [told, untold] = place->second;
  if (!first && now - told < tell_again) {
    ++untold;
    return std::nullopt;
  }
  told = now;
  const auto times = std::exchange(untold, 0);
  return times == 0 ? text : fmt::format("{} ({} times more)", text, times);
}

}  // namespace server
