#include "server/doctor/kept.hpp"

#include <filesystem>

#include "storage/depot/depot.hpp"

namespace server::doctor {

using namespace std::chrono_literals;

std::optional<storage::HistoryQueries> open_history(const storage::Depot& depot) {
  constexpr auto patience = 10s;
  const auto until = std::chrono::steady_clock::now() + patience;
  std::error_code error;
  if (!std::filesystem::exists(depot.history(), error)) return {};
  return std::optional<storage::HistoryQueries>(std::in_place, depot.history(),
                                                [until] { return std::chrono::steady_clock::now() > until; });
}

std::int64_t milliseconds_ago(std::chrono::seconds period) {
  const auto then = std::chrono::system_clock::now() - period;
  return std::chrono::duration_cast<std::chrono::milliseconds>(then.time_since_epoch()).count();
}

}  // namespace server::doctor
