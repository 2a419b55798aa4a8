#pragma once
#include <chrono>
#include <optional>

#include "server/probe/content.hpp"
#include "server/probe/report.hpp"
#include "server/probe/target.hpp"

namespace server::probe {

// How a probe asks.
struct HttpManner {
  bool insecure = false;  // a certificate that proves nothing is a note, and no failure
  std::chrono::milliseconds patience = std::chrono::seconds(25);  // how long nothing may come
};

// Fetches a file over HTTP or HTTPS as a device does, which follows no redirection, and finds out why it
// fails. `report` has its `url`. Blocks.
void probe_http(const Target& target, const HttpManner& manner, const std::optional<Recorded>& recorded,
                const Progress& progress, Report& report);

}  // namespace server::probe
