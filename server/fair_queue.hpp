#pragma once
#include <cstddef>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "server/net.hpp"

namespace server {

// What waits, by the address that it is for: round after round each address gives one item, so nobody waits
// longer because somebody else has much. Bookkeeping alone: no socket, no clock, no thread.
template <class Item>
class FairQueue {
 public:
  using Source = net::ip::address;
  struct Taken {
    Source source;
    Item item;
  };

  // So many items of one address may be under way at a time.
  explicit FairQueue(std::size_t most_under_way = std::numeric_limits<std::size_t>::max())
      : most_under_way_(most_under_way) {}

  void push(const Source& source, Item item) {
    auto& lane = lanes_[source];
    lane.waiting.push_back(std::move(item));
    ++size_;
    join(source, lane);
  }

  // The next one, which is under way until done(); nothing when each address that waits has its share.
  std::optional<Taken> take() {
    if (round_.empty()) return {};
    const auto source = round_.front();
    round_.pop_front();
    auto& lane = lanes_.at(source);
    lane.in_round = false;
    std::optional<Taken> taken(Taken{source, std::move(lane.waiting.front())});
    lane.waiting.pop_front();
    --size_;
    ++lane.under_way;
    join(source, lane);
    return taken;
  }

  void done(const Source& source) {
    const auto place = lanes_.find(source);
    if (place == lanes_.end()) return;  // clear() came in between
    auto& lane = place->second;
    if (lane.under_way > 0) --lane.under_way;
    join(source, lane);
    if (lane.under_way == 0 && lane.waiting.empty()) lanes_.erase(place);
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
    std::deque<Item> waiting;
    std::size_t under_way = 0;
    bool in_round = false;
  };

  void join(const Source& source, Lane& lane) {
    if (lane.in_round || lane.waiting.empty() || lane.under_way >= most_under_way_) return;
    round_.push_back(source);
    lane.in_round = true;
  }

  const std::size_t most_under_way_;
  std::map<Source, Lane> lanes_;
  std::deque<Source> round_;  // whose turn it is, in this order
  std::size_t size_ = 0;
};

}  // namespace server
