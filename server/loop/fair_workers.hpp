#pragma once
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "server/loop/fair_queue.hpp"
#include "server/loop/workers.hpp"

namespace server {

// A share of some workers, given out by address in turn: whoever asks a hundred times keeps nobody else
// waiting for more than what is under way. Lives on the loop, and must outlive what runs.
class FairWorkers {
 public:
  using Source = FairQueue<int>::Source;

  // Of all work `most` runs at a time, and of one address `most_per_source`.
  FairWorkers(Workers& workers, std::size_t most, std::size_t most_per_source)
      : workers_(workers), most_(most), queue_(most_per_source) {}

  // As Workers::run(); `then` is kept until `work` has ended, which may use what belongs to it. Where memory
  // is too short to begin, `then` hears nothing.
  template <class Work, class Then>
  void run(const Source& source, Work work, Then then) {
    auto shared_then = std::make_shared<Then>(std::move(then));
    queue_.push(source, [this, source, work = std::move(work), shared_then](bool possible) mutable {
      if (!possible) return (*shared_then)(std::nullopt);
      workers_.run(std::move(work), [this, source, shared_then](auto result) {
        finished(source);
        (*shared_then)(std::move(result));
      });
    });
    start();
  }

  std::size_t waiting() const { return queue_.size(); }
  // Forgets what waits; nobody hears of it.
  void clear() { queue_.clear(); }

 private:
  using Job = std::move_only_function<void(bool possible)>;

  void finished(const Source& source) {
    --under_way_;
    queue_.done(source);
    start();
  }

  void start() {
    while (under_way_ < most_) {
      auto next = queue_.take();
      if (!next) return;
      ++under_way_;
      try {
        next->item(true);
      } catch (const std::exception&) {
        --under_way_;
        queue_.done(next->source);
        next->item(false);
      }
    }
  }

  Workers& workers_;
  const std::size_t most_;
  FairQueue<Job> queue_;
  std::size_t under_way_ = 0;
};

}  // namespace server
