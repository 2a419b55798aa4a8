#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "server/api/desk.hpp"
#include "server/api/devices.hpp"
#include "server/api/facts.hpp"
#include "server/api/health.hpp"
#include "server/api/history.hpp"
#include "server/api/imports.hpp"
#include "server/api/misses.hpp"
#include "server/api/questions.hpp"
#include "server/api/releases.hpp"
#include "server/api/rollout_api.hpp"
#include "server/api/running_reads.hpp"
#include "server/api/said.hpp"
#include "server/api/sources.hpp"
#include "server/api/uploads.hpp"
#include "server/api/users.hpp"
#include "server/http/router.hpp"
#include "server/metrics/metrics_text.hpp"

namespace server {

// The endpoints of docs/api.md: a running server tells of itself, and does what an administrator asks. What
// waits for the disk is done by workers, which write those answers too. Lives on the loop.
class Api {
 public:
  using Sources = ApiSources;
  using Now = ApiSources::Now;

  explicit Api(Sources sources);
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  void offer(http::Router& router);
  void note(const Event& event);
  void begin() { uploads_.begin(); }  // once the loop may run
  void stop() { uploads_.stop(); }

 private:
  http::Reply status(const Movements& movements);
  http::Reply transfers(const http::Request& request) const;
  http::Reply stop(const http::Request& request, const std::string& id) const;
  http::Reply metrics(const Movements& movements, bool open_metrics);
  void add_facts(Gauges& gauges);
  Situation situation(const Facts& facts, const ApiSources::Now& now, const Movements& movements);

  const Sources sources_;
  const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
  const std::string host_;
  Desk desk_;
  Said said_;
  RunningReads reads_;
  Imports imports_;
  LatestFacts facts_;
  HistoryApi history_;
  DevicesApi devices_;
  RolloutApi rollout_;
  ReleasesApi releases_;
  ImportsApi imports_api_;
  MissesApi misses_;
  QuestionsApi questions_;
  HealthApi health_;
  UsersApi users_;
  UploadsApi uploads_;
};

}  // namespace server
