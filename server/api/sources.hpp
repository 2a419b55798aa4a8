#pragma once
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "server/loop/meter.hpp"
#include "server/loop/net.hpp"
#include "storage/history/records.hpp"

namespace server {

class Events;
class LiveSettings;
class Recent;
class Running;
class Tally;
struct Lanes;
struct Library;

// What the endpoints are made of. Everything outlives them, and lives on the loop but for the library.
struct ApiSources {
  // Of the process, when an answer is made.
  struct Now {
    bool draining = false;
    std::size_t sessions = 0;
    std::optional<std::size_t> releases;
    std::vector<std::string> tftp, ssh, http;  // addresses that are served
    LoopTurns turns;
    std::vector<std::string> web{};     // URLs of the page
    std::vector<std::string> syslog{};  // addresses where devices' logs are heard
    // When the administrator's certificate ends.
    std::optional<std::chrono::sys_seconds> certificate_ends{};
  };

  net::io_context& loop;
  Lanes& lanes;
  Events& events;
  Running& running;
  const Tally& tally;
  const Recent& recent;
  Library& library;
  const LiveSettings& settings;
  std::function<Now()> now;
  std::function<bool(storage::Record)> keep;       // in the history; false where that is not possible
  std::function<void(const std::string&)> looked;  // by doctor, and JSON of what it counted; for viewers
  std::string config;  // the configuration's file; empty for the built-in defaults
};

}  // namespace server
