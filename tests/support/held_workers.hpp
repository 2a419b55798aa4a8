#pragma once
#include <cstddef>
#include <future>
#include <optional>

#include "server/loop/fair_workers.hpp"

namespace test {

// Work of one address that goes on until the test lets it go.
class HeldWorkers {
 public:
  HeldWorkers(server::FairWorkers& workers, const server::FairWorkers::Source& source, std::size_t count) {
    const auto open = gate_.get_future().share();
    for (std::size_t i = 0; i < count; ++i) {
      workers.run(
          source,
          [open] {
            open.wait();
            return true;
          },
          [](std::optional<bool>) {});
    }
  }
  void let_go() { gate_.set_value(); }

 private:
  std::promise<void> gate_;
};

}  // namespace test
