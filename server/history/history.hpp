#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "server/history/history_writer.hpp"
#include "server/history/shares_of_hour.hpp"
#include "server/loop/net.hpp"

namespace conf {
struct History;
}  // namespace conf

namespace server {

class Event;
class Events;

// Hands what happens to the history, as far as it is kept. Lives on the loop, which never waits for it.
class History {
 public:
  History(net::io_context& loop, Events& events) : loop_(loop), events_(events) {}
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // From here on, in `file`; not at all with `days: 0`.
  void begin(const conf::History& settings, const std::filesystem::path& file);
  // Keeps what does not come from an event. False where no history is kept, or the disk is too slow for it.
  bool keep(storage::Record record);
  // Writes what waits. False when the disk does not take it within `patience`: that is told, and the process
  // can only exit.
  bool end(std::chrono::milliseconds patience);

 private:
  void note(const Event& event) noexcept;
  void keep_event(const Event& event);

  net::io_context& loop_;
  Events& events_;
  SharesOfHour shares_;
  std::optional<HistoryWriter> writer_;
};

}  // namespace server
