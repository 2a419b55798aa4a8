#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/api/desk.hpp"
#include "server/api/sources.hpp"
#include "server/http/router.hpp"
#include "storage/history/history_queries.hpp"

namespace storage {
class LiveCatalogue;
}
namespace conf {
struct Settings;
}

namespace server {

// Requests for what is not there, of one cause and in one folder: what needs one fix.
struct MissGroup {
  std::string cause, folder;
  std::vector<storage::record::Miss> misses;  // the newest first
  std::int64_t last_at = 0, first_at = 0, times = 0;
  std::size_t clients = 0;
  // Whether each is served by now, or its device got the image since: a sentence. Nothing: not fixed, or not
  // known.
  std::optional<std::string> fixed;
  std::string fix;
};

// The newest first. Pure.
std::vector<MissGroup> groups_of(std::vector<storage::record::Miss> misses);
// Whether `holdings` has a file of that name that the device read whole after the miss. Pure.
bool got_it_since(const storage::record::Miss& miss, const std::vector<storage::record::Holding>& holdings);
std::string to_json(const MissGroup& group);

// GET /misses. A worker reads, looks the names up again, and writes the answer. Lives on the loop.
class MissesApi {
 public:
  MissesApi(const ApiSources& sources, Desk& desk) : sources_(sources), desk_(desk) {}
  void offer(http::Router& router);

 private:
  void answer(const http::Request& request, http::Respond respond);

  const ApiSources& sources_;
  Desk& desk_;
};

// Looks up what the newest miss of the group asked for, and whether the others are fixed too.
void look_again(MissGroup& group, storage::HistoryQueries& history, storage::LiveCatalogue& catalogue,
                const conf::Settings& settings);

}  // namespace server
