#pragma once

namespace server {

// Forgets what is out of date in a std::map, two entries a call and all of them in turn: where each new entry
// brings a call, they never pile up, and no turn of the loop pays for all of them. Whose map it is owns it.
template <class Key>
class Sweep {
 public:
  template <class Map, class MayGo>
  void step(Map& all, MayGo may_go) {
    for (int looked_at = 0; looked_at < 2 && !all.empty(); ++looked_at) {
      auto next = all.upper_bound(last_);
      if (next == all.end()) next = all.begin();
      last_ = next->first;
      if (may_go(next->second)) all.erase(next);
    }
  }

 private:
  Key last_{};  // that was looked at
};

}  // namespace server
