#pragma once
#include <algorithm>
#include <cstddef>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <utility>

#include "server/loop/net.hpp"

namespace server {

// What waits, by the address that it is for: round after round each address gives one item, so nobody waits
// longer because somebody else has much. Bookkeeping alone: no socket, no clock, no thread. Only push() takes
// memory, and a push() that throws has changed nothing.
template <class Item>
class FairQueue {
 public:
  using Source = net::ip::address;
  struct Taken {
    Source source;
    Item item;
  };

  static constexpr auto no_bound = std::numeric_limits<std::size_t>::max();

  // So many items of one address may be under way at a time; and for each that was done quickly one more, up
  // to `most_if_quick`, until one is slow.
  explicit FairQueue(std::size_t most_under_way = no_bound, std::size_t most_if_quick = 0)
      : most_under_way_(most_under_way), most_if_quick_(std::max(most_under_way, most_if_quick)) {}

  void push(const Source& source, Item item) {
    const auto [place, first] = lanes_.try_emplace(source, most_under_way_);
    auto& lane = place->second;
    try {
      if (first) lane.seat.push_back(source);
      lane.waiting.push_back(std::move(item));
    } catch (...) {
      if (first) lanes_.erase(place);
      throw;
    }
    ++size_;
    join(lane);
  }

  // The next one, which is under way until done(); nothing when each address that waits has its share.
  std::optional<Taken> take() {
    if (round_.empty()) return {};
    auto& lane = lanes_.find(round_.front())->second;
    lane.seat.splice(lane.seat.end(), round_, round_.begin());
    std::optional<Taken> taken(Taken{lane.seat.front(), std::move(lane.waiting.front())});
    lane.waiting.pop_front();
    --size_;
    ++lane.under_way;
    join(lane);
    return taken;
  }

  void done(const Source& source, bool quickly = false) {
    const auto place = lanes_.find(source);
    if (place == lanes_.end()) return;  // clear() came in between
    auto& lane = place->second;
    if (lane.under_way > 0) --lane.under_way;
    lane.most = quickly ? std::min(lane.most + 1, most_if_quick_) : most_under_way_;
    join(lane);
    if (lane.under_way == 0 && lane.waiting.empty()) lanes_.erase(place);
  }

  // take(), and done() at once: the item alone.
  std::optional<Item> pop() {
    auto taken = take();
    if (!taken) return {};
    done(taken->source);
    return std::move(taken->item);
  }

  // Those of `source` that are `item` and wait.
  void remove(const Source& source, const Item& item) {
    const auto place = lanes_.find(source);
    if (place == lanes_.end()) return;
    auto& lane = place->second;
    size_ -= std::erase(lane.waiting, item);
    if (!lane.waiting.empty()) return;
    if (lane.seat.empty()) lane.seat.splice(lane.seat.end(), round_, std::ranges::find(round_, source));
    if (lane.under_way == 0) lanes_.erase(place);
  }

  void clear() {
    round_.clear();
    lanes_.clear();
    size_ = 0;
  }

  std::size_t size() const { return size_; }  // that wait
  bool empty() const { return size_ == 0; }

 private:
  struct Lane {
    explicit Lane(std::size_t most_at_first) : most(most_at_first) {}

    std::deque<Item> waiting;
    std::size_t most, under_way = 0;
    std::list<Source> seat;  // its node of the round while it is not in it
  };

  void join(Lane& lane) {
    if (lane.waiting.empty() || lane.under_way >= lane.most) return;
    round_.splice(round_.end(), lane.seat);  // nothing where it is in it already
  }

  const std::size_t most_under_way_, most_if_quick_;
  std::map<Source, Lane> lanes_;
  std::list<Source> round_;  // whose turn it is, in this order
  std::size_t size_ = 0;
};

}  // namespace server
