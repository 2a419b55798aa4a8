#include "server/ssh/turns.hpp"

#include <utility>

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr auto longest_turn = 1500us;

}  // namespace

void SshTurns::ask(const net::ip::address& source, std::shared_ptr<Guest> guest) {
  queue_.push(source, std::move(guest));
  post();
}

void SshTurns::post() {
  if (posted_ || queue_.empty()) return;
  net::post(loop_, net::bind_allocator(memory_.allocator(), [this] { run(); }));
  posted_ = true;
}

void SshTurns::run() {
  posted_ = false;
  const auto end = std::chrono::steady_clock::now() + longest_turn;
  do {
    auto next = queue_.take();
    if (!next) return;
    queue_.done(next->source);
    next->item->take_turn(end);
  } while (std::chrono::steady_clock::now() < end);
  post();
}

}  // namespace server
