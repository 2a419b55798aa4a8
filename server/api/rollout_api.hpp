#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/api/desk.hpp"
#include "server/api/rollout.hpp"
#include "server/api/running_reads.hpp"
#include "server/api/said.hpp"
#include "server/api/sources.hpp"
#include "server/http/router.hpp"

namespace server {

// GET /rollout: how far a release has come. A worker reads and writes the answer. Lives on the loop.
class RolloutApi {
 public:
  RolloutApi(const ApiSources& sources, Desk& desk, Said& said, RunningReads& reads)
      : sources_(sources), desk_(desk), said_(said), reads_(reads) {}
  void offer(http::Router& router);

 private:
  void answer(const http::Request& request, http::Respond respond);

  const ApiSources& sources_;
  Desk& desk_;
  Said& said_;
  RunningReads& reads_;
};

// The release that devices should have: of those that are promoted, or of all where none is, the one that was
// imported last; of those that nobody imported the last of the list. Nothing without any. Pure.
std::optional<storage::Release> current_release(const std::vector<storage::Release>& releases);
// Those of the depot, and what is wrong with one goes to nobody. Waits for the disk.
std::vector<storage::Release> releases_of(Library& library);
std::string to_json(const RolloutRow& row);

}  // namespace server
