#include "server/process/release_count.hpp"

#include "server/loop/workers.hpp"
#include "storage/lookup/live_catalogue.hpp"
#include "storage/lookup/lookup.hpp"

namespace server {

std::optional<std::size_t> ReleaseCount::latest(Clock::time_point now) {
  constexpr auto pause = std::chrono::seconds(10);
  if (counting_ || costly_ || (begun_ && now - *begun_ < pause)) return counted_;
  struct Counted {
    std::size_t number = 0;
    bool costly = false;
  };
  explaining_.run(
      [this]() -> std::optional<Counted> {
        const auto catalogue = catalogue_.now();
        if (!catalogue) return {};
        return Counted{storage::list_releases(*catalogue).size(), catalogue_.scans_each_time()};
      },
      [this](const std::optional<std::optional<Counted>>& counted) {
        counting_ = false;
        if (!counted || !*counted) return;
        counted_ = (*counted)->number;
        costly_ = (*counted)->costly;
      });
  counting_ = true;
  begun_ = now;
  return counted_;
}

}  // namespace server
