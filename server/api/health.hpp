#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/api/desk.hpp"
#include "server/api/sources.hpp"
#include "server/api/verdict.hpp"
#include "server/doctor/report.hpp"
#include "server/http/router.hpp"

namespace server {

// GET /health and POST /health/run: what the doctor found last. It looks again on a worker where somebody
// asks and what it found is older than ten minutes. A server that confines itself cannot see everything: that
// is said. Lives on the loop.
class HealthApi {
 public:
  static constexpr std::chrono::minutes kept{10};

  HealthApi(const ApiSources& sources, Desk& desk) : sources_(sources), desk_(desk) {}
  void offer(http::Router& router);

  // What was found last, and looks again where it is time.
  struct Found {
    std::chrono::system_clock::time_point at;
    std::vector<doctor::Row> rows;
  };
  std::shared_ptr<const Found> latest();
  // The same, without looking again.
  std::shared_ptr<const Found> found() const { return found_; }

 private:
  void run();
  http::Reply told();

  const ApiSources& sources_;
  Desk& desk_;
  std::shared_ptr<const Found> found_;
  std::chrono::steady_clock::time_point looked_{};
  bool running_ = false;
};

// The rows as a process sees them that may not look everywhere: each finding that is unknown says who can.
// Pure.
std::vector<doctor::Row> as_confined(std::vector<doctor::Row> rows);
// Findings that fail, for the verdicts. Pure.
std::vector<Situation::Failing> failing_in(const std::vector<doctor::Row>& rows);

}  // namespace server
