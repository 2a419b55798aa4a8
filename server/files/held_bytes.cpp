#include "server/files/held_bytes.hpp"

#include <algorithm>

#include "server/loop/client_network.hpp"

namespace server {

HeldBytes::Connection::Connection(const HeldBytes& held, const net::ip::address& address,
                                  std::function<void()> too_much)
    : all_(held.all_), address_(client_network(address)), too_much_(std::move(too_much)) {
  all_->by_address[address_].connections.push_back(this);
}

HeldBytes::Connection::~Connection() { leave(); }

void HeldBytes::Connection::change(std::size_t from, std::size_t to) {
  bytes_ += to - from;
  count(from, to);
}

void HeldBytes::Connection::keep(std::size_t bytes) { count(std::exchange(kept_, bytes), bytes); }

void HeldBytes::Connection::count(std::size_t from, std::size_t to) {
  all_->thread.expect();
  if (!counted_ || from == to) return;
  all_->bytes += to - from;
  all_->by_address.at(address_).bytes += to - from;
  if (to > from) all_->heed_bounds(address_);
}

bool HeldBytes::Connection::is_scarce() const {
  if (all_->bytes > all_->bounds.in_all / 2) return true;
  const auto place = all_->by_address.find(address_);
  return place != all_->by_address.end() && place->second.bytes > all_->bounds.by_address / 2;
}

void HeldBytes::Connection::leave() {
  if (!std::exchange(counted_, false)) return;
  const auto place = all_->by_address.find(address_);
  all_->bytes -= bytes_ + kept_;
  place->second.bytes -= bytes_ + kept_;
  std::erase(place->second.connections, this);
  if (place->second.connections.empty()) all_->by_address.erase(place);
}

void HeldBytes::All::heed_bounds(const net::ip::address& changed) {
  const auto end_largest = [](const std::list<Connection*>& connections) {
    const auto size = [](const Connection* each) { return each->bytes_ + each->kept_; };
    auto& largest = **std::ranges::max_element(connections, {}, size);
    largest.leave();
    largest.too_much_();
  };
  const auto place = by_address.find(changed);
  if (place->second.bytes > bounds.by_address) return end_largest(place->second.connections);
  if (bytes <= bounds.in_all) return;
  const auto most =
      std::ranges::max_element(by_address, {}, [](const auto& each) { return each.second.bytes; });
  end_largest(most->second.connections);
}

}  // namespace server
