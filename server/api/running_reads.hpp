#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "server/api/rollout.hpp"
#include "server/loop/net.hpp"

namespace server {

class Running;

// What devices read now, for an answer that a worker puts together. Lives on the loop.
class RunningReads {
 public:
  using Reads = std::vector<RunningRead>;
  using Then = std::move_only_function<void(std::shared_ptr<const Reads>)>;
  static constexpr std::size_t at_once = 100;  // rows a turn of the loop

  RunningReads(net::io_context& loop, const Running& running) : loop_(loop), running_(running) {}

  // Calls `then` once all have been collected, in one turn of the loop or more.
  void collect(Then then);

 private:
  void go_on(std::shared_ptr<Reads> reads, std::uint64_t after, Then then);

  net::io_context& loop_;
  const Running& running_;
};

}  // namespace server
