#include "server/process/supervision.hpp"

#include <utility>

#include "server/loop/succeeds.hpp"
#include "server/os/service_manager.hpp"

namespace server {

Supervision::Supervision(net::io_context& loop, Numbers numbers)
    : numbers_(std::move(numbers)), interval_(watchdog_interval()), feeding_(loop), looking_(loop) {}

void Supervision::begin() {
  if (!has_service_manager()) return;
  if (interval_) feed();
  look();
}

// Both wait without memory that there may not be.
void Supervision::feed() {
  tell_alive();
  feeding_.expires_after(*interval_ / 2);
  feeding_.async_wait(net::bind_allocator(feeding_memory_.allocator(), [this](error_code error) {
    if (!error) feed();
  }));
}

void Supervision::look() {
  succeeds([this] {
    if (const auto text = status_.next(numbers_(), StatusLine::Clock::now())) tell_status(*text);
  });
  looking_.expires_after(StatusLine::pause);
  looking_.async_wait(net::bind_allocator(looking_memory_.allocator(), [this](error_code error) {
    if (!error) look();
  }));
}

}  // namespace server
