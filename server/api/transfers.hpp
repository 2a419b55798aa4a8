#pragma once
#include <chrono>
#include <string>

#include "server/api/recent.hpp"
#include "server/files/running.hpp"

namespace server {

// Transfers as the API tells of them: docs/api.md. Pure.

// A client that has moved nothing for so long is told as stalled.
constexpr auto stalled_after = std::chrono::seconds(10);

enum class Movement { waiting, moving, stalled };  // waiting: the client has not answered yet
// `moved` is what row.moving says, who is asked once: over HTTP that asks the system.
Movement movement_of(const Running::Row& row, const Moved& moved, Running::Clock::time_point now);

// Bytes a second since it was asked for.
double rate_of(const Running::Row& row, const Moved& moved, Running::Clock::time_point now);

std::string to_json(Running::Id id, const Running::Row& row, Running::Clock::time_point now);
// Those after `after`, as many as one answer holds: to write thousands would hold up the loop.
constexpr std::size_t most_transfers = 100;
std::string transfers_json(const Running& running, Running::Id after, Running::Clock::time_point now);
std::string to_json(const Recent::At<event::TransferEnded>& ended);
std::string to_json(const Recent::At<event::Missed>& missed);
std::string to_json(const Recent::At<event::ControllerSaid>& heard);
std::string recent_json(const Recent& recent);

}  // namespace server
