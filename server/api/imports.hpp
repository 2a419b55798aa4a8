#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "server/api/desk.hpp"
#include "server/api/sources.hpp"
#include "server/http/router.hpp"

namespace server {

class Event;

// What became of the files in drop/ lately, the newest first, as the events tell it. Bookkeeping alone; on
// the loop.
class Imports {
 public:
  using Clock = std::chrono::system_clock;
  static constexpr std::size_t most = 50;
  enum class State : std::uint8_t { running, published, already_there, rejected, failed, gone };
  struct Row {
    std::string file;
    State state = State::running;
    Clock::time_point began, at;
    std::uint64_t done = 0, total = 0;  // bytes; those that are read twice count twice
    std::string path, reason, moved_to;
  };

  void note(const Event& event, Clock::time_point now);
  const std::deque<Row>& rows() const { return rows_; }
  // Those that were rejected since then.
  std::vector<Row> rejected_since(Clock::time_point time) const;
  std::optional<Clock::time_point> last_success() const { return last_success_; }

 private:
  Row& row_of(const std::string& file, Clock::time_point now);
  void end(const std::string& file, State state, Clock::time_point now, std::string path, std::string reason,
           std::string moved_to);

  std::deque<Row> rows_;
  std::optional<Clock::time_point> last_success_;
};
std::string to_json(const Imports::Row& row);

// GET /imports: what is on its way in, what came of the last ones, and what lies in drop/ and rejected/.
// Lives on the loop.
class ImportsApi {
 public:
  ImportsApi(const ApiSources& sources, Desk& desk, const Imports& imports)
      : sources_(sources), desk_(desk), imports_(imports) {}
  void offer(http::Router& router);

 private:
  void answer(const http::Request& request, http::Respond respond);

  const ApiSources& sources_;
  Desk& desk_;
  const Imports& imports_;
};

}  // namespace server
