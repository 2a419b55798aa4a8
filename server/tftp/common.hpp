#pragma once
#include "server/events/events.hpp"
#include "server/files/library.hpp"
#include "server/files/running.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/loop/shares.hpp"
#include "server/tftp/noisy_clients.hpp"
#include "server/tftp/shared_image.hpp"

namespace server {

// What all TFTP transfers have in common. The service's; on the loop, but the library is for workers too.
struct TftpCommon {
  // Names that may wait to be looked up as they were meant, and of one address; who is beyond asks again.
  static constexpr std::size_t most_meanings = 64, most_meanings_each = 16;

  net::io_context& loop;
  Lanes& lanes;
  Events& events;
  const LiveSettings& settings;
  Library& library;
  Running& running;
  NoisyClients noisy{loop, events};
  SharedImages images = {};
  Shares explanations{most_explanations, most_explanations_each};
  Shares meanings{most_meanings, most_meanings_each};
};

}  // namespace server
