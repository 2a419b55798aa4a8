#include "server/process/status_line.hpp"

#include <fmt/format.h>

namespace server {
namespace {

std::string counted(std::size_t number, const char* what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

}  // namespace

std::optional<std::string> StatusLine::next(const Numbers& numbers, Clock::time_point now) {
  if (when_ && now - *when_ < pause) return {};
  auto text = counted(numbers.transfers, "transfer") + ", " + counted(numbers.sessions, "session");
  if (numbers.releases) text += ", " + counted(*numbers.releases, "release");
  if (text == told_) return {};
  told_ = text;
  when_ = now;
  return text;
}

}  // namespace server
