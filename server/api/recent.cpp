#include "server/api/recent.hpp"

namespace server {
namespace {

template <class Happened>
void keep(std::deque<Recent::At<Happened>>& all, const Happened& what, Recent::Clock::time_point now) {
  if (all.size() == Recent::most) all.pop_front();
  all.push_back({now, what});
}

}  // namespace

void Recent::note(const Event& event, Clock::time_point now) {
  if (const auto* ended = std::get_if<event::TransferEnded>(&event)) keep(ended_, *ended, now);
  if (const auto* said = std::get_if<event::ControllerSaid>(&event); said && said->bad)
    keep(heard_, *said, now);
  if (const auto* missed = std::get_if<event::Missed>(&event)) keep(misses_, *missed, now);
}

}  // namespace server
