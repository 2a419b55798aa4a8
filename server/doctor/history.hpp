#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "server/doctor/result.hpp"

namespace server::doctor {

// The history as its file and a running server show it. Texts are raw.
struct HistoryReading {
  bool kept = true;                    // history.days is not 0
  bool there = false;                  // there is a file
  std::string damage{};                // what SQLite finds wrong with it; empty: nothing
  std::string unreadable{};            // why it cannot be read
  bool checked = true;                 // every page was looked at
  std::optional<std::string> aside{};  // the damaged one that was moved aside
  std::optional<std::uint64_t>
      server_warnings{};  // of the running server, since its start, that rows are lost
};
// Pure.
Result judge_history(const HistoryReading& reading);

}  // namespace server::doctor
