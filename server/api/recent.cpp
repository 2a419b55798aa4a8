#include "server/api/recent.hpp"

#include "server/events/event.hpp"

namespace server {
namespace {

template <class Happened>
void keep(std::deque<Recent::At<Happened>>& all, const Happened& what, Recent::Clock::time_point now) {
  if (all.size() == Recent::most) all.pop_front();
  all.push_back({now, what});
}

}  // namespace

void Recent::note(const Event& event, Clock::time_point now) {
  if (const auto* ended = event.get_if<event::TransferEnded>()) keep(ended_, *ended, now);
  if (const auto* said = event.get_if<event::ControllerSaid>(); said && said->bad) keep(heard_, *said, now);
  if (const auto* missed = event.get_if<event::Missed>()) keep(misses_, *missed, now);
}

}  // namespace server
