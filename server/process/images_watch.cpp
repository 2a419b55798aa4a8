#include "server/process/images_watch.hpp"

#include <chrono>
#include <optional>
#include <utility>

#include "server/events/events.hpp"
#include "server/events/warning.hpp"
#include "server/loop/workers.hpp"
#include "storage/depot/depot_shape.hpp"
#include "storage/lookup/live_catalogue.hpp"

namespace server {
namespace {

constexpr auto pause = std::chrono::minutes(1);
constexpr std::size_t most_told = 1000;

}  // namespace

ImagesWatch::ImagesWatch(net::io_context& loop, Workers& workers, storage::LiveCatalogue& catalogue,
                         Events& events)
    : workers_(workers), catalogue_(catalogue), events_(events), timer_(loop) {}

void ImagesWatch::stop() {
  stopped_ = true;
  timer_.cancel();
}

void ImagesWatch::look() {
  workers_.run([this] { return examine(); },
               [this](std::optional<Seen> seen) {
                 if (stopped_) return;
                 if (seen) tell(*seen);
                 if (told_blind_) return;  // then each look would be a scan
                 timer_.expires_after(pause);
                 timer_.async_wait([this](error_code error) {
                   if (!error) look();
                 });
               });
}

ImagesWatch::Seen ImagesWatch::examine() {
  const auto catalogue = catalogue_.now();
  Seen seen{catalogue_.scans_each_time(), {}};
  if (catalogue != last_.lock()) seen.unaskable = storage::unaskable_names(catalogue_.depot());
  last_ = catalogue;
  return seen;
}

void ImagesWatch::tell(const Seen& seen) {
  for (const auto& path : seen.unaskable) {
    if (told_.size() < most_told && told_.insert(path).second)
      events_.warn(Warning::images, storage::unaskable_text(catalogue_.depot(), path));
  }
  if (!seen.blind || std::exchange(told_blind_, true)) return;
  events_.warn(
      Warning::images,
      "images/ cannot be watched, so that every miss is a scan: raise fs.inotify.max_user_watches, or let "
      "the depot lie on a disk of this host");
}

}  // namespace server
