#include "server/files/running.hpp"

#include "server/events/events.hpp"

namespace server {

Running::Entry Running::add(event::TransferBegan what, Moving& moving) {
  thread_.expect();
  const auto place = rows_.emplace_hint(
      rows_.end(), last_ + 1,
      Row{std::move(what), std::chrono::system_clock::now(), Clock::now(), false, &moving});
  ++last_;
  return {*this, place};
}

void Running::Entry::begin() {
  if (running_ && !std::exchange(row_->second.began, true)) running_->events_.emit(row_->second.what);
}

bool Running::stop(Id id) {
  const auto place = rows_.find(id);
  if (place == rows_.end()) return false;
  place->second.moving->stop_by_administrator();
  return true;
}

}  // namespace server
