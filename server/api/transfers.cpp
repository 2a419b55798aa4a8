#include "server/api/transfers.hpp"

#include <fmt/format.h>

#include "server/events/protocol.hpp"
#include "server/events/syslog.hpp"
#include "server/events/transfer.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/json.hpp"
#include "server/text/miss_text.hpp"
#include "server/text/time.hpp"

namespace server {
namespace {

std::string_view state_of(Movement movement) {
  switch (movement) {
    case Movement::waiting:
      return "waiting";
    case Movement::moving:
      return "moving";
    case Movement::stalled:
      break;
  }
  return "stalled";
}

// The members that a running transfer shares with one that has ended.
template <class What>
void add_names(JsonObject& object, const What& what) {
  object.add("number", what.number);
  object.add("protocol", word(what.protocol));
  object.add("direction", what.write ? "write" : "read");
  object.add("client", what.client);
  object.add_raw("user", what.user.empty() ? "null" : json_string(escaped(what.user)));
  object.add("asked", what.asked);
  object.add_safe("path", escaped_path(what.name));
  object.add_raw("size", what.size ? fmt::format("{}", *what.size) : "null");
}

// The latest first.
template <class All>
std::string json_of(const All& all) {
  std::vector<std::string> values;
  for (auto each = all.rbegin(); each != all.rend(); ++each) values.push_back(to_json(*each));
  return json_list(values);
}

}  // namespace

std::string to_json(const Recent::At<event::TransferEnded>& ended) {
  JsonObject object;
  const auto& what = ended.what;
  object.add_safe("at", utc(ended.time));
  add_names(object, what);
  object.add("bytes", what.bytes);
  object.add_raw("seconds", fmt::format("{:.3f}", what.seconds));
  object.add("ended_by", word(what.how.by()));
  object.add("cause", word(what.how.cause));
  object.add("trouble", is_trouble(what));
  object.add_safe("text", bounded_line(ending_text(what)));
  return object.text();
}

std::string to_json(const Recent::At<event::Missed>& missed) {
  JsonObject object;
  const auto& what = missed.what;
  object.add_safe("at", utc(missed.time));
  object.add("number", what.number);
  object.add("protocol", word(what.protocol));
  object.add("client", what.client);
  object.add("asked", what.asked);
  object.add("cause", storage::cause_name(what.miss.cause));
  object.add_safe("text", bounded_line(text_of(what.miss, what.protocol)));
  object.add_safe("fix", bounded_line(fix_of(what.miss, what.protocol)));
  return object.text();
}

Movement movement_of(const Running::Row& row, const Moved& moved, Running::Clock::time_point now) {
  if (!row.began) return Movement::waiting;
  return now - moved.last >= stalled_after ? Movement::stalled : Movement::moving;
}

double rate_of(const Running::Row& row, const Moved& moved, Running::Clock::time_point now) {
  const std::chrono::duration<double> took = now - row.asked;
  return took.count() > 0 ? static_cast<double>(moved.bytes) / took.count() : 0;
}

std::string to_json(const Recent::At<event::ControllerSaid>& heard) {
  JsonObject object;
  const auto& what = heard.what;
  object.add_safe("at", utc(heard.time));
  object.add("client", what.client);
  object.add_raw("host", what.host.empty() ? "null" : json_string(escaped(what.host)));
  object.add_safe("kind", kind_name(what.said.kind));
  object.add_raw("url", what.said.url.empty() ? "null" : json_string(escaped(what.said.url)));
  object.add_safe("text", bounded_line(what.finding));
  object.add_safe("fix", bounded_line(what.fix));
  return object.text();
}

std::string to_json(Running::Id id, const Running::Row& row, Running::Clock::time_point now) {
  using Seconds = std::chrono::duration<double>;
  const auto moved = row.moving->moved();
  const auto movement = movement_of(row, moved, now);
  const double rate = rate_of(row, moved, now);
  JsonObject object;
  object.add("id", id);
  add_names(object, row.what);
  object.add("bytes", moved.bytes);
  object.add_raw("rate", fmt::format("{:.0f}", rate));
  const bool known =
      row.what.size && rate >= 1 && movement == Movement::moving && *row.what.size >= moved.bytes;
  const auto left = known ? static_cast<double>(*row.what.size - moved.bytes) / rate : 0;
  object.add_raw("left_s", known ? fmt::format("{:.0f}", left) : "null");
  object.add_safe("state", state_of(movement));
  const Seconds still = now - moved.last;
  object.add_raw("stalled_s", fmt::format("{:.0f}", movement == Movement::stalled ? still.count() : 0));
  object.add_safe("started_at", utc(row.asked_at));
  if (row.what.protocol == event::Protocol::tftp) {
    object.add("block_size", row.what.block_size);
    object.add("window", row.what.window);
    object.add("resent", moved.resent);
  }
  return object.text();
}

std::string transfers_json(const Running& running, Running::Id after, Running::Clock::time_point now) {
  std::string list;
  std::size_t count = 0;
  auto row = running.rows().upper_bound(after);
  for (; row != running.rows().end() && count < most_transfers; ++row, ++count) {
    list.append(list.empty() ? "" : ",\n").append(to_json(row->first, row->second, now));
    after = row->first;
  }
  const auto next = row == running.rows().end() ? "null" : fmt::format("{}", after);
  return fmt::format("{{\"items\":[{}],\"next\":{}}}\n", list, next);
}

std::string recent_json(const Recent& recent) {
  JsonObject object;
  object.add_raw("ended", json_of(recent.ended()));
  object.add_raw("misses", json_of(recent.misses()));
  object.add_raw("heard", json_of(recent.heard()));
  return object.text() + "\n";
}

}  // namespace server
