#pragma once
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "server/api/recent.hpp"
#include "server/files/running.hpp"
#include "server/http/router.hpp"
#include "server/loop/meter.hpp"
#include "server/metrics/metrics_text.hpp"
#include "server/metrics/tally.hpp"

namespace server {

// The endpoints of docs/api.md: a running server tells of itself, and an administrator stops a transfer.
// Lives on the loop.
class Api {
 public:
  // Of the process, when an answer is made.
  struct Now {
    bool draining = false;
    std::size_t sessions = 0;
    std::optional<std::size_t> releases;
    std::vector<std::string> tftp, ssh, http;  // addresses that are served
    LoopTurns turns;
  };
  struct Sources {
    Running& running;
    const Tally& tally;
    const Recent& recent;
    std::function<Now()> now;
    std::string depot;
  };

  explicit Api(Sources sources) : sources_(std::move(sources)) {}

  void offer(http::Router& router);

 private:
  http::Reply status() const;
  http::Reply transfers(const http::Request& request) const;
  http::Reply stop(const std::string& id) const;
  http::Reply metrics(const http::Request& request) const;
  std::size_t stalled() const;

  const Sources sources_;
  const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
};

}  // namespace server
