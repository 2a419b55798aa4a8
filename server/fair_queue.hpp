#pragma once
#include <algorithm>
#include <deque>
#include <map>
#include <optional>

#include "server/net.hpp"

namespace server {

// Who waits for his turn, address by address: one that has a thousand in it keeps nobody else waiting for
// more than one of them. Bookkeeping alone; lives on the loop.
template <class Who>
class FairQueue {
 public:
  void push(const net::ip::address& source, Who who) {
    auto& waiting = waiting_[source];
    if (waiting.empty()) order_.push_back(source);
    waiting.push_back(who);
  }

  std::optional<Who> pop() {
    while (!order_.empty()) {
      const auto place = waiting_.find(order_.front());
      order_.pop_front();
      if (place == waiting_.end()) continue;  // all of its have been removed
      auto& [source, waiting] = *place;
      const auto who = waiting.front();
      waiting.pop_front();
      if (waiting.empty()) {
        waiting_.erase(place);
      } else {
        order_.push_back(source);
      }
      return who;
    }
    return {};
  }

  void remove(const net::ip::address& source, Who who) {
    const auto place = waiting_.find(source);
    if (place == waiting_.end()) return;
    std::erase(place->second, who);
    if (!place->second.empty()) return;
    waiting_.erase(place);
    std::erase(order_, source);
  }

  bool empty() const { return waiting_.empty(); }

 private:
  std::map<net::ip::address, std::deque<Who>> waiting_;
  std::deque<net::ip::address> order_;
};

}  // namespace server
