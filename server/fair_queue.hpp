#pragma once
#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <new>
#include <optional>

#include "server/net.hpp"

namespace server {

// Who waits for his turn, address by address: one that has a thousand in it keeps nobody else waiting for
// more than one of them. Bookkeeping alone; lives on the loop.
template <class Who>
class FairQueue {
 public:
  void push(const net::ip::address& source, Who who) {
    const auto [place, first] = waiting_.try_emplace(source);
    try {
      place->second.push_back(who);
      if (first) order_.push_back(source);
    } catch (const std::bad_alloc&) {
      if (first) waiting_.erase(place);
      throw;
    }
  }

  // Takes no memory.
  std::optional<Who> pop() noexcept {
    if (order_.empty()) return {};
    const auto place = waiting_.find(order_.front());
    const auto who = place->second.front();
    place->second.pop_front();
    if (place->second.empty()) {
      waiting_.erase(place);
      order_.pop_front();
    } else {
      order_.splice(order_.end(), order_, order_.begin());
    }
    return who;
  }

  void remove(const net::ip::address& source, Who who) noexcept {
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
  std::list<net::ip::address> order_;  // of those in waiting_
};

}  // namespace server
