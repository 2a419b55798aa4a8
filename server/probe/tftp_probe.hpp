#pragma once
#include <chrono>
#include <cstdint>
#include <optional>

#include "server/probe/content.hpp"
#include "server/probe/report.hpp"
#include "server/probe/target.hpp"

namespace server::probe {

// How a probe asks.
struct TftpManner {
  bool plain = false;               // without any option
  std::uint16_t block_size = 1428;  // that is asked for
  std::chrono::milliseconds patience = std::chrono::seconds(25);
};

// Fetches a file over TFTP as a device does, and finds out why it fails, with more tries where they tell
// more. `report` has its `url`. Blocks, for some minutes at most where the server is silent.
void probe_tftp(const Target& target, const TftpManner& manner, const std::optional<Recorded>& recorded,
                const Progress& progress, Report& report);

}  // namespace server::probe
