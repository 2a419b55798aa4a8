#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "conf/endpoint.hpp"
#include "server/doctor/misses.hpp"
#include "server/doctor/result.hpp"

namespace storage {
class Depot;
}  // namespace storage

namespace server::doctor {

// What a running server says of itself.
struct ServerFacts {
  std::string version;
  std::optional<std::uint32_t> pid;
  bool draining = false;
  double longest_ms = 0;                  // of its loop's turns
  std::vector<conf::Endpoint> tftp, ssh;  // that are served
  std::vector<conf::Endpoint> http;       // likewise, with TLS and without
  std::vector<std::string> web;           // URLs of the page
  std::vector<RecentMiss> misses;         // the latest first
  std::uint64_t history_warnings = 0;     // that it could not keep what happened
};

// Its answer, or why there is none.
struct ServerReading {
  std::optional<ServerFacts> server;
  std::error_code failure;
  std::string told;  // what an answer that cannot be understood is wrong with
};

// Asks the control socket of the depot. Waits for at most a few times ten seconds.
ServerReading ask_server(const storage::Depot& depot);
// Of what /metrics says in its older form. Pure.
std::uint64_t history_warnings_in(std::string_view metrics);
// Of the JSON of /api/v1/status. Throws std::runtime_error for another program's.
ServerFacts server_facts(const std::string& status);

// `own` is the version of this program; `unit` says that systemd has a service apdepot. Pure.
Result judge_running(const ServerReading& reading, const std::string& own, bool unit);

}  // namespace server::doctor
