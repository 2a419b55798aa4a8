#include "server/loop/turns.hpp"

#include <algorithm>
#include <iterator>

#include "server/loop/client_network.hpp"

namespace server {
namespace {

struct Beginning {
  explicit Beginning(bool& flag) : flag_(flag) { flag_ = true; }
  Beginning(const Beginning&) = delete;
  Beginning& operator=(const Beginning&) = delete;
  ~Beginning() { flag_ = false; }

 private:
  bool& flag_;
};

}  // namespace

bool Turns::may_begin(const Client& client) const {
  return client.running < most_by_address_ && running_ < most_in_all_;
}

std::optional<Turns::Turn> Turns::enter(const net::ip::address& address) {
  if (running_ == most_in_all_) return {};
  const auto network = client_network(address);
  auto& client = clients_[network];
  if (!client.waiting.empty() || !may_begin(client)) return {};
  ++client.running;
  ++running_;
  return Turn(*this, network);
}

void Turns::wait(const net::ip::address& address, Begin begin) {
  const auto [place, first] = clients_.try_emplace(client_network(address));
  try {
    place->second.waiting.push_back(std::move(begin));
  } catch (...) {
    if (first) clients_.erase(place);
    throw;
  }
  ++waiting_;
  begin_next();
}

void Turns::clear() {
  std::deque<Begin> forgotten;  // what they hold may end other things
  for (auto& [network, client] : clients_) {
    std::ranges::move(client.waiting, std::back_inserter(forgotten));
    client.waiting.clear();
  }
  waiting_ = 0;
}

void Turns::leave(const net::ip::address& network) noexcept {
  const auto place = clients_.find(network);
  --running_;
  if (--place->second.running == 0 && place->second.waiting.empty()) clients_.erase(place);
  begin_next();
}

// What begins may leave at once, and then does not begin the next one itself.
void Turns::begin_next() {
  if (beginning_) return;
  const Beginning now(beginning_);
  for (auto place = next(); place != clients_.end(); place = next()) {
    auto& client = place->second;
    auto begin = std::move(client.waiting.front());
    client.waiting.pop_front();
    --waiting_;
    ++client.running;
    ++running_;
    last_ = place->first;
    begin(Turn(*this, last_));
  }
}

// The address after the last one that has something to begin, and may.
Turns::Clients::iterator Turns::next() {
  const auto ready = [this](const auto& each) {
    return !each.second.waiting.empty() && may_begin(each.second);
  };
  const auto behind = clients_.upper_bound(last_);
  const auto found = std::find_if(behind, clients_.end(), ready);
  if (found != clients_.end()) return found;
  const auto before = std::find_if(clients_.begin(), behind, ready);
  return before == behind ? clients_.end() : before;
}

}  // namespace server
