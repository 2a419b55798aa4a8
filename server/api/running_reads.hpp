#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "server/api/rollout.hpp"
#include "server/files/running.hpp"
#include "server/loop/net.hpp"

namespace server {

// Sums over all transfers under way.
struct Movements {
  std::size_t stalled = 0;
  double rate = 0;                                         // bytes a second
  std::map<std::string_view, std::uint64_t> running = {};  // by protocol
};

// The transfers under way, in turns of the loop that are short however many they are: to ask one over HTTP
// how far it is takes a microsecond. Lives on the loop.
class RunningReads {
 public:
  using Reads = std::vector<RunningRead>;
  using Then = std::move_only_function<void(std::shared_ptr<const Reads>)>;
  using ThenSum = std::move_only_function<void(const Movements&)>;
  static constexpr std::size_t at_once = 100, summed_at_once = 500;  // rows a turn of the loop
  static constexpr std::chrono::milliseconds shared_for{500};

  RunningReads(net::io_context& loop, const Running& running) : loop_(loop), running_(running) {}

  // What devices read now, for an answer that a worker puts together. Calls `then` once all have been
  // collected, in one turn of the loop or more. Thousands are megabytes: answers that wait at the same time
  // share them, for half a second at most.
  void collect(Then then);
  // Likewise.
  void sum(ThenSum then);

 private:
  // Where memory is short, it breaks off and goes with all that wait: their clients get a 500.
  struct Collection {
    std::shared_ptr<Reads> reads = std::make_shared<Reads>();
    std::vector<Then> waiting;
  };
  using Look = std::move_only_function<void(const Running::Row& row, Running::Clock::time_point now)>;
  using Done = std::move_only_function<void()>;
  void look_at(std::size_t most, Running::Id after, Look look, Done done);

  net::io_context& loop_;
  const Running& running_;
  std::weak_ptr<Collection> under_way_;
  std::weak_ptr<const Reads> collected_;
  Running::Clock::time_point collected_at_{};
};

}  // namespace server
